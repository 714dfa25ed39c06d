import CShims
import Glibc

/// The memory of another process, to copy to and from. See process_vm_readv(2), and proc(5), `/proc/PID/mem`.
///
/// Short copies go through the file, which is the faster way, is bound to the memory of that program and no later one, and
/// is checked by the kernel once, when it is opened. Long and scattered ones take the system call.
@safe
package struct CrossMemory: ~Copyable, Sendable {
    private let pid: Int32
    private let file: OwnedDescriptor

    /// Up to here the file is as fast or faster.
    package static var fileByteCountMax: Int { 8 << 10 }

    /// - Throws: `EACCES` or `EPERM` when the kernel forbids it; `ENOENT` or `ESRCH` when the process is gone; `EMFILE`.
    package init(pid: Int32) throws(Errno) {
        self.pid = pid
        let flags = O_RDWR | O_CLOEXEC
        self.file = OwnedDescriptor(takingOver: try checkingErrno { unsafe cshims_open("/proc/\(pid)/mem", flags, 0) })
    }

    /// Tries whether the kernel allows it: reads eight bytes by the one system call, and writes none by the other.
    ///
    /// - Throws: `EPERM`, `ENOSYS` (a filter for system calls), `ESRCH`, `EFAULT`.
    package func probe(_ address: UInt64) throws(Errno) {
        var word: UInt64 = 0
        let pid = self.pid
        try unsafe withUnsafeMutablePointer(to: &word) { pointer throws(Errno) in
            var local = unsafe iovec(iov_base: pointer, iov_len: 8)
            var remote = unsafe iovec(iov_base: UnsafeMutableRawPointer(bitPattern: UInt(address)), iov_len: 8)
            // SAFETY: the kernel writes the local word, and answers for the other side.
            try checkingErrno { unsafe cshims_process_vm_readv_list(pid, &local, 1, &remote, 1) }
            try checkingErrno { unsafe cshims_process_vm_writev_list(pid, &local, 0, &remote, 0) }
        }
    }

    /// Lets every process of this user reach the memory and descriptors of this one, where Yama would let only its ancestors
    /// (`ptrace_scope` 1); nothing changes elsewhere. See prctl(2), `PR_SET_PTRACER`.
    package static func admitOthers() {
        // EINVAL: there is no Yama.
        _ = cshims_admit_tracers()
    }

    /// In a forked child, which must not keep it.
    package func close() {
        self.file.close()
    }
}

// MARK: - Copying

extension CrossMemory {
    /// Copies to the other process.
    ///
    /// - Returns: `nil`, or why not all was copied: `EFAULT` when a part is not mapped, on either side; `ESRCH`.
    @unsafe
    @inline(always)
    package func write(_ source: UnsafeRawPointer, to address: UInt64, byteCount: Int) -> Errno? {
        if byteCount <= Self.fileByteCountMax {
            let count = unsafe cshims_pwrite(self.file.rawValue, source, byteCount, Int(bitPattern: UInt(address)))
            return Self.outcome(count, of: byteCount)
        }
        var local = unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: source), iov_len: byteCount)
        var remote = unsafe iovec(iov_base: UnsafeMutableRawPointer(bitPattern: UInt(address)), iov_len: byteCount)
        // SAFETY: the kernel answers for the other side, the caller for this one.
        return Self.outcome(unsafe cshims_process_vm_writev_list(self.pid, &local, 1, &remote, 1), of: byteCount)
    }

    /// Copies from the other process. As `write`.
    @unsafe
    @inline(always)
    package func read(_ target: UnsafeMutableRawPointer, from address: UInt64, byteCount: Int) -> Errno? {
        if byteCount <= Self.fileByteCountMax {
            let count = unsafe cshims_pread(self.file.rawValue, target, byteCount, Int(bitPattern: UInt(address)))
            return Self.outcome(count, of: byteCount)
        }
        var local = unsafe iovec(iov_base: target, iov_len: byteCount)
        var remote = unsafe iovec(iov_base: UnsafeMutableRawPointer(bitPattern: UInt(address)), iov_len: byteCount)
        // SAFETY: as in `write`.
        return Self.outcome(unsafe cshims_process_vm_readv_list(self.pid, &local, 1, &remote, 1), of: byteCount)
    }

    /// Copies between lists of ranges of the same total length.
    @unsafe
    package func write(
        _ local: UnsafeBufferPointer<MemoryRange>,
        to remote: UnsafeBufferPointer<MemoryRange>,
        byteCount: Int
    ) -> Errno? {
        unsafe Self.outcome(self.writeSome(local, to: remote), of: byteCount)
    }

    /// Copies between lists of ranges of the same total length.
    @unsafe
    package func read(
        _ local: UnsafeBufferPointer<MemoryRange>,
        from remote: UnsafeBufferPointer<MemoryRange>,
        byteCount: Int
    ) -> Errno? {
        unsafe Self.outcome(self.readSome(local, from: remote), of: byteCount)
    }

    /// Copies between lists of ranges, from the first on, as far as it goes.
    ///
    /// - Returns: How many bytes were copied for certain; nothing, or less, when none were.
    @unsafe
    package func writeSome(
        _ local: UnsafeBufferPointer<MemoryRange>,
        to remote: UnsafeBufferPointer<MemoryRange>
    ) -> Int {
        // SAFETY: the layout of a range is that of `struct iovec`; the caller answers for this side.
        unsafe cshims_process_vm_writev_list(
            self.pid,
            UnsafeRawPointer(local.baseAddress)?.assumingMemoryBound(to: iovec.self),
            local.count,
            UnsafeRawPointer(remote.baseAddress)?.assumingMemoryBound(to: iovec.self),
            remote.count
        )
    }

    /// As `writeSome`, from the other process.
    @unsafe
    package func readSome(
        _ local: UnsafeBufferPointer<MemoryRange>,
        from remote: UnsafeBufferPointer<MemoryRange>
    ) -> Int {
        // SAFETY: as in `writeSome`.
        unsafe cshims_process_vm_readv_list(
            self.pid,
            UnsafeRawPointer(local.baseAddress)?.assumingMemoryBound(to: iovec.self),
            local.count,
            UnsafeRawPointer(remote.baseAddress)?.assumingMemoryBound(to: iovec.self),
            remote.count
        )
    }

    @inline(always)
    private static func outcome(_ count: Int, of byteCount: Int) -> Errno? {
        if count == byteCount { return nil }
        // A program that has ended has no memory any more, and the file is at its end.
        if count == 0 { return .noSuchProcess }
        if count > 0 { return .badAddress }
        let error = Errno.last
        return error == .ioError ? .badAddress : error
    }
}
