internal import HostRegistry
internal import SystemIO

/// The domains that this process has open by a file, each once.
internal final class XRCDomainCatalog {
    internal static let shared = XRCDomainCatalog()

    private struct Key: Hashable {
        var identity: XRCDomain.Identity
        /// What a parent has open is not its child's.
        var generation: UInt32
    }

    private struct Entry {
        weak var domain: XRCDomain?
    }

    // SAFETY: the entries are read and written under `lock` only.
    private let lock = Lock()
    private var entries: [Key: Entry] = [:]

    /// The domain of a file.
    ///
    /// - Throws: `EAGAIN` when there is none and `creates` is false; `EINVAL` when there is one and `isExclusive` is true;
    ///   `EBADF`.
    internal func open(
        file rawDescriptor: CInt,
        creates: Bool,
        isExclusive: Bool,
        context: Context
    ) throws(Errno) -> XRCDomain {
        let file = try FileSystem.information(of: rawDescriptor)
        let identity = XRCDomain.Identity(
            fileSystem: file.device,
            inode: file.inode,
            interfaceIndex: context.device.interfaceIndex
        )
        let key = Key(identity: identity, generation: context.generation)
        return try self.lock.withLock { () throws(Errno) -> XRCDomain in
            if let domain = self.entries[key]?.domain {
                guard !(creates && isExclusive) else { throw .invalidArgument }
                return domain
            }
            let name = "xrc-\(identity.fileSystem)-\(identity.inode)-\(identity.interfaceIndex)"
            let claim = try context.engine.membership.claim(
                name,
                mayBeFirst: creates,
                mustBeFirst: creates && isExclusive
            )
            let domain = XRCDomain(identity, claim: claim)
            self.entries = self.entries.filter { $0.value.domain != nil }
            self.entries[key] = Entry(domain: domain)
            return domain
        }
    }
}

// SAFETY: see the stored properties.
extension XRCDomainCatalog: @unchecked Sendable {}
