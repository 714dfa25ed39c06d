import CShims
import Glibc

/// Whether a process may copy from the memory of another one of the same user. A forked child tries it on this
/// process: a parent may often look into its child where strangers may not, so the way round matters.
package enum DoctorCrossMemory {
    private static let pattern: UInt64 = 0x5665_7262_656E_6121

    /// Nothing, or the errno of process_vm_readv(2) in the child.
    ///
    /// - Throws: what fork(2) says.
    package static func probe() throws(Errno) -> Errno? {
        let parent = getpid()
        // As every process does that has a device open.
        CrossMemory.admitOthers()
        // Shared with the child by its place: after the fork the same address names the parent's copy there.
        let source = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
        unsafe source.initialize(repeating: Self.pattern, count: 2)
        defer { unsafe source.deallocate() }
        let child = try checkingErrno { cshims_fork() }
        if child == 0 {
            // SAFETY: both ranges are one word of the allocation, which parent and child have at the same address.
            unsafe source[1] = 0
            var local = unsafe iovec(iov_base: source + 1, iov_len: 8)
            var remote = unsafe iovec(iov_base: source, iov_len: 8)
            let count = unsafe cshims_process_vm_readv(parent, &local, &remote)
            if count < 0 { _exit(errno) }
            _exit(unsafe count == 8 && source[1] == Self.pattern ? 0 : EIO)
        }
        var status: CInt = 0
        try checkingErrno { unsafe waitpid(child, &status, 0) }
        // A child that a signal ended, as a strict seccomp filter does, was forbidden as well.
        guard status & 0x7F == 0 else { return .permissionDenied }
        let code = status >> 8 & 0xFF
        return code == 0 ? nil : Errno(rawValue: code)
    }
}
