internal import HostRegistry
internal import SystemIO

/// What queue pairs and shared receive queues of extended connections must have in common to work together (IBTA Volume 1,
/// Annex A14). Whoever opens it again by the same file gets the same one; see `OpenXRCDomain`.
@safe
internal final class XRCDomain {
    /// Tells the other processes that this one has it open; `nil` for a domain without a file.
    private let claim: SharedClaim?
    /// Its shared receive queues.
    // SAFETY: read and written under the engine's lock only; a queue takes itself off before it ends.
    internal var queues: [Unmanaged<SharedReceiveQueue>] = unsafe []

    internal init(claim: SharedClaim?) {
        self.claim = claim
    }
}

// SAFETY: see the stored properties.
extension XRCDomain: @unchecked Sendable {}
