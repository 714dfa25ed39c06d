import SystemIO

/// What the environment says about registration.
package struct RegistrationConfiguration: Sendable {
    /// `VERBENA_FORK`: when marked pages are taken out of children.
    package var policy: ForkPolicy
    /// Whether registrations mark from the start, without a call to `initializeForkSupport`.
    package var isForkSupportRequested: Bool
    /// `VERBENA_PIN`: whether and how pages are kept in memory.
    package var pinPolicy: PinPolicy
    /// `VERBENA_FORK_CHECK`: whether forks are checked for registered memory that children inherit.
    package var forkCheck: ForkCheck.Mode?

    /// The policy where `VERBENA_FORK` says nothing. Decision 0021 has the figures.
    package static let defaultPolicy = ForkPolicy.atFork

    package init(
        policy: ForkPolicy = Self.defaultPolicy,
        isForkSupportRequested: Bool = false,
        pinPolicy: PinPolicy = .none,
        forkCheck: ForkCheck.Mode? = nil
    ) {
        self.policy = policy
        self.pinPolicy = pinPolicy
        self.forkCheck = forkCheck
        self.isForkSupportRequested = isForkSupportRequested
    }

    /// Reads `VERBENA_FORK` (`eager`, `atfork` or `off`), `VERBENA_PIN`, and `RDMAV_FORK_SAFE` and `IBV_FORK_SAFE`, which ask for fork
    /// support unless they are `0`, as rdma-core has it. An unknown word is reported and ignored.
    package static func fromEnvironment() -> RegistrationConfiguration {
        var configuration = RegistrationConfiguration()
        configuration.isForkSupportRequested = Self.isSet("RDMAV_FORK_SAFE") || Self.isSet("IBV_FORK_SAFE")
        switch Environment.value(of: "VERBENA_FORK") {
        case nil, "": break
        case "eager":
            configuration.policy = .eager
            configuration.isForkSupportRequested = true
        case "atfork":
            configuration.policy = .atFork
            configuration.isForkSupportRequested = true
        case "off":
            configuration.policy = .off
        case let word?:
            Diagnostics.warn("VERBENA_FORK=\(word) is unknown and ignored; it may be eager, atfork or off.")
        }
        configuration.pinPolicy = Self.pinPolicy
        configuration.forkCheck = Self.forkCheckMode
        return configuration
    }

    /// Reads `VERBENA_PIN` (`none`, `mlock`, `kernel` or `auto`). An unknown word is reported and ignored.
    private static var pinPolicy: PinPolicy {
        switch Environment.value(of: "VERBENA_PIN") {
        case nil, "", "none": return .none
        case "mlock": return .lock
        case "kernel": return .kernel
        case "auto": return .auto
        case let word?:
            Diagnostics.warn("VERBENA_PIN=\(word) is unknown and ignored; it may be none, mlock, kernel or auto.")
            return .none
        }
    }

    /// Whether a variable is there and is not `0`: rdma-core takes any other text, even none, for a yes.
    private static func isSet(_ name: String) -> Bool {
        guard let value = Environment.value(of: name) else { return false }
        return value != "0"
    }

    /// Reads `VERBENA_FORK_CHECK` (`1` or `abort`). An unknown word is reported and ignored.
    private static var forkCheckMode: ForkCheck.Mode? {
        switch Environment.value(of: "VERBENA_FORK_CHECK") {
        case nil, "", "0": return nil
        case "1": return .report
        case "abort": return .abort
        case let word?:
            Diagnostics.warn("VERBENA_FORK_CHECK=\(word) is unknown and ignored; it may be 1 or abort.")
            return nil
        }
    }
}
