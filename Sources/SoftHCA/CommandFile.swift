package import SystemIO

/// What `cmd_fd` of a context refers to: a file that tells which context it is, so that a duplicate of the descriptor
/// finds the context again. No command is ever written to it.
package final class CommandFile: Sendable {
    private let descriptor: OwnedDescriptor

    /// What stands in the file: "VERBCTX" and a zero, as a little-endian number.
    private static var magic: UInt64 { 0x0058_5443_4252_4556 }

    /// - Throws: `EMFILE`.
    internal init() throws(Errno) {
        self.descriptor = try OwnedDescriptor(anonymousFile: "verbena-context", contents: Self.magic)
    }

    package var rawDescriptor: CInt { self.descriptor.rawValue }

    /// The contexts of this process by their files.
    private static let contexts = Contexts()

    internal func register(_ context: Context) throws(Errno) {
        Self.contexts.insert(context, try FileIdentity(ofDescriptor: self.rawDescriptor))
    }

    /// The context whose descriptor, or a duplicate of it, this is.
    ///
    /// - Throws: `EBADF`; `EOPNOTSUPP` for that of another process, or of before a fork; `EINVAL` when it is none at all.
    package static func context(ofDescriptor rawDescriptor: CInt) throws(Errno) -> Context {
        if let context = Self.contexts.context(try FileIdentity(ofDescriptor: rawDescriptor)),
            ProcessGuard.isOwn(context.generation)
        {
            return context
        }
        throw OwnedDescriptor.contents(ofDescriptor: rawDescriptor) == Self.magic ? .notSupported : .invalidArgument
    }

    // SAFETY: see the stored properties.
    private final class Contexts: @unchecked Sendable {
        private struct Entry {
            weak var context: Context?
        }

        // SAFETY: read and written under `lock` only.
        private let lock = Lock()
        private var entries: [FileIdentity: Entry] = [:]

        func insert(_ context: Context, _ identity: FileIdentity) {
            self.lock.withLock {
                self.entries = self.entries.filter { $0.value.context != nil }
                self.entries[identity] = Entry(context: context)
            }
        }

        func context(_ identity: FileIdentity) -> Context? {
            self.lock.withLock { self.entries[identity]?.context }
        }
    }
}
