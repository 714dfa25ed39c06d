import CShims
import Glibc

/// A table of buffers registered with an io_uring, through which nothing is ever read or written: the kernel keeps the
/// pages of a registered buffer pinned for long, with the reference that an adapter's driver takes, until the buffer is
/// removed or the process is gone.
///
/// Needs Linux 5.19. See io_uring_register(2).
package struct IOUringBuffers: ~Copyable {
    private let descriptor: CInt
    /// How many buffers the table can hold.
    package let slotCount: Int

    /// The kernel takes no longer buffer.
    package static let bufferByteCountMax: UInt = 1 << 30

    /// Makes a table without buffers.
    ///
    /// - Throws: `ENOSYS` or `EINVAL` where the kernel is too old, `EPERM` where io_uring is forbidden (container runtimes,
    ///   `kernel.io_uring_disabled`), `EMFILE`, `ENOMEM`.
    package init(slotCount: Int) throws(Errno) {
        // `struct io_uring_params` has 120 bytes; zeros ask for nothing special.
        var parameters = InlineArray<15, UInt64>(repeating: 0)
        // SAFETY: the kernel writes into the structure, which has its full size.
        let descriptor = unsafe cshims_io_uring_setup(1, &parameters)
        guard descriptor >= 0 else { throw .last }
        var request = RegisterBuffers(count: UInt32(slotCount))
        let byteCount = CUnsignedInt(MemoryLayout<RegisterBuffers>.size)
        // SAFETY: the structure lives during the call.
        guard unsafe cshims_io_uring_register(descriptor, RegisterBuffers.operation, &request, byteCount) == 0 else {
            let error = Errno.last
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.slotCount = slotCount
    }

    deinit {
        close(self.descriptor)
    }
}

// MARK: - Buffers

extension IOUringBuffers {
    /// Pins `byteCount` bytes from `address` on as the buffer `slot`, which is empty.
    ///
    /// - Throws: `ENOMEM` (over the limit of locked memory), `EFAULT` (not mapped, or not writable), `EOPNOTSUPP` (a
    ///   mapping of a file).
    package borrowing func pin(slot: Int, address: UInt, byteCount: UInt) throws(Errno) {
        precondition(byteCount > 0 && byteCount <= Self.bufferByteCountMax)
        try self.update(slot: slot, address: address, byteCount: byteCount)
    }

    /// Empties `slot` and lets its pages go.
    package borrowing func unpin(slot: Int) throws(Errno) {
        try self.update(slot: slot, address: 0, byteCount: 0)
    }

    private borrowing func update(slot: Int, address: UInt, byteCount: UInt) throws(Errno) {
        precondition(slot < self.slotCount)
        var buffer = unsafe iovec()
        // SAFETY: the kernel pins the pages of the range and never reads or writes them by itself.
        unsafe buffer.iov_base = unsafe UnsafeMutableRawPointer(bitPattern: address)
        unsafe buffer.iov_len = Int(bitPattern: byteCount)
        // SAFETY: both structures live during the call.
        let result = unsafe withUnsafePointer(to: &buffer) { buffer in
            var request = UpdateBuffers(slot: UInt32(slot), buffers: UInt64(UInt(bitPattern: buffer)))
            let byteCount = CUnsignedInt(MemoryLayout<UpdateBuffers>.size)
            return unsafe cshims_io_uring_register(self.descriptor, UpdateBuffers.operation, &request, byteCount)
        }
        guard result == 1 else { throw result < 0 ? .last : .invalidArgument }
    }
}

/// `struct io_uring_rsrc_register`, for a table of empty slots.
private struct RegisterBuffers {
    var count: UInt32
    /// `IORING_RSRC_REGISTER_SPARSE`
    var flags: UInt32 = 1
    var reserved: UInt64 = 0
    var data: UInt64 = 0
    var tags: UInt64 = 0

    /// `IORING_REGISTER_BUFFERS2`
    static let operation: CUnsignedInt = 15

    init(count: UInt32) {
        self.count = count
    }
}

/// `struct io_uring_rsrc_update2`, for one slot.
private struct UpdateBuffers {
    var slot: UInt32
    var reserved: UInt32 = 0
    var buffers: UInt64
    var tags: UInt64 = 0
    var count: UInt32 = 1
    var reserved2: UInt32 = 0

    /// `IORING_REGISTER_BUFFERS_UPDATE`
    static let operation: CUnsignedInt = 16

    init(slot: UInt32, buffers: UInt64) {
        self.slot = slot
        self.buffers = buffers
    }
}
