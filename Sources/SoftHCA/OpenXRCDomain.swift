package import SystemIO

/// An extended-connection domain as a program has opened it. See ibv_open_xrcd(3).
package final class OpenXRCDomain {
    package let context: Context
    /// The queue pairs and shared receive queues that were made through it.
    package let users = UseCount()
    package let generation = ProcessGuard.generation
    internal let domain: XRCDomain
    /// The protection domain of target queue pairs, which have none: nothing is registered in it. What a request may
    /// touch is said by the domain of the shared receive queue that it names.
    package let protectionDomain: ProtectionDomain
    /// The completion queue of target queue pairs, which have none: nothing completes there.
    package let completions: CompletionQueue

    /// - Parameters:
    ///   - file: By which others find the domain; `nil` for one that is nobody else's.
    ///   - creates: Makes the domain if there is none.
    ///   - isExclusive: With `creates`, takes none that is there.
    /// - Throws: `EINVAL` for a domain without a file that is not to be created, and for an exclusive one that is there;
    ///   `EAGAIN` when there is none; `EBADF`; `ENOMEM`; `EIO` in a forked child.
    package init(context: Context, file: CInt?, creates: Bool, isExclusive: Bool) throws(Errno) {
        try ProcessGuard.check(context.generation)
        self.context = context
        if let file {
            self.domain = try XRCDomainCatalog.shared.open(
                file: file,
                creates: creates,
                isExclusive: isExclusive,
                context: context
            )
        } else {
            guard creates else { throw .invalidArgument }
            self.domain = XRCDomain()
        }
        self.protectionDomain = try ProtectionDomain(context: context)
        self.completions = try CompletionQueue(context: context, capacity: 1)
    }

    /// - Throws: `EBUSY` while something that was made through it is left; `EINVAL` when it is closed already; `EIO` in a
    ///   forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
        try self.completions.close()
        try self.protectionDomain.close()
    }
}

// SAFETY: nothing changes but the use count, which is atomic.
extension OpenXRCDomain: @unchecked Sendable {}
