import CShims
import Glibc
internal import Synchronization

/// Access to memory that may not be there: pages that the program unmapped or protected, or that lie behind the end of a
/// file. Such an access is refused, and the program goes on.
///
/// A handler of SIGSEGV and SIGBUS ends a copy that meets a fault, and hands every other fault to what stood there before
/// it. Where the program puts a handler of its own in its place, copies go through the kernel instead, which is slower and
/// needs no handler.
package enum FaultGuard {
    /// How copies are made now.
    package enum Mode: UInt8, Sendable {
        /// Nothing was asked for yet: a fault ends the program.
        case none = 0
        case handler = 1
        case kernel = 2
    }

    private static let state = Atomic<UInt8>(Mode.none.rawValue)
    private static let lock = Lock()

    package static var mode: Mode { Mode(rawValue: self.state.load(ordering: .relaxed)) ?? .none }

    /// Begins to guard, or looks whether the handler still stands. Cheap enough for every registration.
    package static func refresh() {
        self.lock.withLock {
            switch self.mode {
            case .none:
                let isInstalled = cshims_guard_install() == 0
                self.state.store((isInstalled ? Mode.handler : .kernel).rawValue, ordering: .relaxed)
            case .handler:
                // The program's handler might call ours again: putting ours in front of it would go round in circles.
                guard cshims_guard_is_installed() == 0 else { return }
                self.state.store(Mode.kernel.rawValue, ordering: .relaxed)
            case .kernel:
                guard cshims_guard_is_installed() != 0 else { return }
                self.state.store(Mode.handler.rawValue, ordering: .relaxed)
            }
        }
    }
}

// MARK: - Access

extension FaultGuard {
    /// Copies bytes, in no particular order.
    ///
    /// - Returns: Whether all of both ranges was there. If not, a part may have been copied.
    // SAFETY: whatever the addresses are, nothing but the target is written, for which the caller answers.
    @unsafe
    @inline(always)
    package static func copy(_ byteCount: Int, from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer)
        -> Bool
    {
        if self.state.load(ordering: .relaxed) != Mode.kernel.rawValue {
            return unsafe cshims_guarded_copy(target, source, byteCount) == 0
        }
        return unsafe self.copyThroughKernel(byteCount, from: source, to: target)
    }

    /// Whether all of a range can be read: also what a look at the mappings does not tell, such as the end of a file.
    package static func isReadable(address: UInt, byteCount: Int) -> Bool {
        guard byteCount > 0 else { return true }
        let page = PageAdvice.pageByteCount
        var position = address
        var byte: UInt8 = 0
        while position < address + UInt(byteCount) {
            let isThere = unsafe withUnsafeMutableBytes(of: &byte) { bytes in
                // SAFETY: the target is the local variable.
                guard let source = unsafe UnsafeRawPointer(bitPattern: position), let target = bytes.baseAddress else {
                    return false
                }
                return unsafe self.copy(1, from: source, to: target)
            }
            guard isThere else { return false }
            position = position / page * page + page
        }
        return true
    }

    /// Stores `desired` in a word of 8 aligned bytes if `expected` stands there.
    ///
    /// - Returns: What stood there; `nil` when nothing is there.
    @unsafe
    package static func compareExchange(
        _ word: UnsafeMutableRawPointer,
        expected: UInt64,
        desired: UInt64
    ) -> UInt64? {
        guard unsafe self.isThere(word) else { return nil }
        var found: UInt64 = 0
        let address = unsafe word.assumingMemoryBound(to: UInt64.self)
        return unsafe cshims_guarded_compare_exchange(address, expected, desired, &found) == 0 ? found : nil
    }

    /// Adds to a word of 8 aligned bytes. Wraps.
    ///
    /// - Returns: What stood there before; `nil` when nothing is there.
    @unsafe
    package static func fetchAdd(_ word: UnsafeMutableRawPointer, _ addend: UInt64) -> UInt64? {
        guard unsafe self.isThere(word) else { return nil }
        var found: UInt64 = 0
        let address = unsafe word.assumingMemoryBound(to: UInt64.self)
        return unsafe cshims_guarded_fetch_add(address, addend, &found) == 0 ? found : nil
    }

    /// Without the handler, an atomic operation can only be preceded by a look.
    private static func isThere(_ word: UnsafeMutableRawPointer) -> Bool {
        guard self.mode == .kernel else { return true }
        var copy: UInt64 = 0
        return unsafe withUnsafeMutableBytes(of: &copy) { bytes in
            // SAFETY: the target is the local variable.
            guard let target = bytes.baseAddress else { return false }
            return unsafe self.copyThroughKernel(8, from: word, to: target)
        }
    }

    /// The kernel copies, and answers EFAULT where a processor would fault.
    private static func copyThroughKernel(
        _ byteCount: Int,
        from source: UnsafeRawPointer,
        to target: UnsafeMutableRawPointer
    ) -> Bool {
        guard byteCount > 0 else { return true }
        var local = unsafe iovec(iov_base: target, iov_len: byteCount)
        var remote = unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: source), iov_len: byteCount)
        let count = unsafe cshims_process_vm_readv(getpid(), &local, &remote)
        if count < 0, Errno.last == .functionNotImplemented || Errno.last == .operationNotPermitted {
            // A sandbox forbids it. There is no third way, and most copies meet no fault.
            return unsafe cshims_guarded_copy(target, source, byteCount) == 0
        }
        return count == byteCount
    }
}
