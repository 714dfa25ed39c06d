internal import CVerbs
internal import Glibc
internal import Synchronization

// Each verbs object is held by one final class, which its owner and its children refer to. The object goes when the last
// of them does, so that the order in which a program lets go of things does not matter.

/// Destroys one C object, once, and only in the process that made it.
@safe
internal struct Destroyer: ~Copyable {
    private let pid = getpid()
    private let isDestroyed = Atomic<Bool>(false)

    /// Destroys by `body` and reports what it reports. A failure leaves the object, and a later call may try again.
    func destroy(_ operation: String, detail: String = "", _ body: () -> CInt) throws(VerbsError) {
        guard getpid() == self.pid else { throw .forked(operation) }
        guard !self.isDestroyed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let result = body()
        guard result != 0 else { return }
        self.isDestroyed.store(false, ordering: .releasing)
        try VerbsError.check(operation, result, detail: detail)
    }

    /// Destroys when the last reference goes, where nobody is left to tell.
    ///
    /// - Returns: False when the object is still there.
    @discardableResult
    func destroySilently(_ body: () -> CInt) -> Bool {
        guard getpid() == self.pid else { return false }
        return self.isDestroyed.load(ordering: .acquiring) || body() == 0
    }

    /// Whether the caller is in the process that made the object.
    var isInOwnProcess: Bool { getpid() == self.pid }
}

extension VerbsError {
    internal static func forked(_ operation: String) -> VerbsError {
        VerbsError(
            .forkedChild,
            operation: operation,
            detail: "open the device anew in the child",
            errno: EIO
        )
    }
}
