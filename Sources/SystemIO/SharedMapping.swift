import CShims
import Glibc

/// Owns a region of anonymous shared memory and the descriptor behind it.
///
/// Pages take memory only once they are touched, so a region may be far larger than what is used of it. Children of
/// `fork` do not have it. Destroying the value unmaps the region.
@safe
package struct SharedMapping: ~Copyable {
    /// The first byte of the region, on a page boundary.
    // SAFETY: mapped for `byteCount` bytes from the end of `init` until `deinit`.
    @unsafe package let base: UnsafeMutableRawPointer
    package let byteCount: Int
    /// Send this to another process so that it can map the same memory.
    package let descriptor: OwnedDescriptor
    /// The process that mapped the region. A forked child has the value, but other memory at its address, or none.
    private let ownerPID = getpid()

    /// Creates a zero-filled region.
    ///
    /// - Parameters:
    ///   - name: Shown in `/proc/self/fd`; need not be unique.
    ///   - byteCount: Size of the region; must be positive.
    /// - Throws: `ENOMEM` when the address space is used up or limited (`ulimit -v`); `EMFILE`; `EFBIG`.
    package init(name: String, byteCount: Int) throws(Errno) {
        precondition(byteCount > 0, "a mapping cannot be empty")
        let descriptor = OwnedDescriptor(takingOver: try checkingErrno { unsafe cshims_memfd_create(name) })
        try checkingErrno { ftruncate(descriptor.rawValue, byteCount) }
        try self.init(takingOver: descriptor, byteCount: byteCount)
    }

    /// Maps the region behind a descriptor that another process, or a file, gave.
    ///
    /// A page past the end of the file faults when it is touched: check the file's size first.
    package init(takingOver descriptor: consuming OwnedDescriptor, byteCount: Int) throws(Errno) {
        precondition(byteCount > 0, "a mapping cannot be empty")
        unsafe self.base = unsafe try map(descriptor.rawValue, byteCount: byteCount)
        self.byteCount = byteCount
        self.descriptor = descriptor
    }

    deinit {
        guard getpid() == self.ownerPID else { return }
        // Nobody is left to hear about a failure.
        _ = unsafe munmap(self.base, self.byteCount)
    }
}

// SAFETY: the stored properties never change; who writes the bytes is a matter of the layout that lies in them.
extension SharedMapping: @unchecked Sendable {}

// MARK: - Contents

extension SharedMapping {
    /// The bytes of the region, for setting it up before the descriptor is sent to anyone.
    ///
    /// Once another process has the descriptor, its bytes may change at any time; use the atomic
    /// operations of a ring from then on.
    package var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            // SAFETY: the span cannot outlive `self`, and `base` stays mapped that long.
            let span = unsafe MutableRawSpan(_unsafeStart: self.base, byteCount: self.byteCount)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }
}

// MARK: - System calls

@unsafe
private func map(_ rawDescriptor: CInt, byteCount: Int) throws(Errno) -> UnsafeMutableRawPointer {
    let flags = MAP_SHARED | MAP_NORESERVE
    let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, rawDescriptor, 0)
    guard unsafe address != MAP_FAILED, let address = unsafe address else { throw .last }
    guard unsafe madvise(address, byteCount, MADV_DONTFORK) == 0 else {
        let error = Errno.last
        _ = unsafe munmap(address, byteCount)
        throw error
    }
    return unsafe address
}
