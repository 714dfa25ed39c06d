import Synchronization
import SystemIO

/// Joins the process's fork handlers, which know only global state, to an account.
internal enum ForkHandlers {
    /// The account, as a pointer that is never released; 0 before `install`.
    private static let account = Atomic<UInt>(0)

    internal static func install(_ account: RegistrationAccount) {
        let pointer = unsafe UInt(bitPattern: Unmanaged.passRetained(account).toOpaque())
        let (isInstalled, _) = Self.account.compareExchange(
            expected: 0,
            desired: pointer,
            ordering: .acquiringAndReleasing
        )
        precondition(isInstalled, "a process has one account with fork handlers")
        do {
            try AtFork.register(
                prepare: { ForkHandlers.installed?.prepareForFork() },
                parent: { ForkHandlers.installed?.parentAfterFork() },
                child: {
                    // First of all, because the account itself may lie there.
                    PageCopies.restoreInChild()
                    ForkHandlers.installed?.childAfterFork()
                }
            )
        } catch {
            Diagnostics.warn("no memory for fork handlers: registered memory is not kept out of forked children.")
        }
    }

    private static var installed: RegistrationAccount? {
        let pointer = unsafe UnsafeRawPointer(bitPattern: Self.account.load(ordering: .acquiring))
        guard let pointer = unsafe pointer else { return nil }
        // SAFETY: `install` retained the account for ever.
        return unsafe Unmanaged<RegistrationAccount>.fromOpaque(pointer).takeUnretainedValue()
    }
}
