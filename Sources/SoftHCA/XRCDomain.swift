internal import HostRegistry
internal import SystemIO

/// What queue pairs and shared receive queues of extended connections must have in common to work together (IBTA Volume 1,
/// Annex A14). Whoever opens it again by the same file gets the same one; see `OpenXRCDomain`.
@safe
internal final class XRCDomain {
    /// The file by which processes find it, whatever its name, on one device.
    internal struct Identity: Hashable {
        var fileSystem: UInt64
        var inode: UInt64
        var interfaceIndex: UInt32
    }

    /// `nil` for a domain without a file, which is nobody else's.
    internal let identity: Identity?
    /// Tells the other processes that this one has it open; `nil` for a domain without a file.
    private let claim: SharedClaim?
    /// Its shared receive queues.
    // SAFETY: read and written under the engine's lock only; a queue takes itself off before it ends.
    internal var queues: [Unmanaged<SharedReceiveQueue>] = unsafe []

    internal init(_ identity: Identity? = nil, claim: SharedClaim? = nil) {
        self.identity = identity
        self.claim = claim
    }
}

// SAFETY: see the stored properties.
extension XRCDomain: @unchecked Sendable {}
