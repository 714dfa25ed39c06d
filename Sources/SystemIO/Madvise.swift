public import CShims
internal import Glibc

/// What a child of `fork` gets of a range of pages. See madvise(2).
@frozen
public enum ForkAdvice: Sendable {
    /// The child does not have these pages (`MADV_DONTFORK`).
    case doNotCopy
    /// The child has a copy of these pages, as is usual (`MADV_DOFORK`).
    case copy
}

/// System calls that change how the kernel treats pages of the own process. `public` for what is inlined: behind a system
/// call each return from a function is predicted wrongly.
public enum PageAdvice {
    /// The size of the smallest page of this machine, in bytes. A constant where it can be one: to ask for it costs more
    /// than to count a mark.
    #if arch(x86_64)
    @inlinable @inline(always) public static var pageByteCount: UInt { 4096 }
    #else
    package static let pageByteCount = UInt(sysconf(CInt(_SC_PAGESIZE)))
    #endif

    /// Sets or clears `VM_DONTCOPY` on the pages from `lowerBound` to `upperBound`, both multiples of the page size.
    ///
    /// Over a hole the kernel goes on to the end, and answers `ENOMEM` then. Any other error stops it half-way.
    ///
    /// - Returns: nil, or why it failed: `ENOMEM` (a part is not mapped), `EAGAIN` (the process has as many mappings as
    ///   it may), `EINVAL` (an end cuts a huge page, or device memory is in the way).
    @inlinable @inline(always)
    public static func apply(_ advice: ForkAdvice, from lowerBound: UInt, to upperBound: UInt) -> Errno? {
        let value =
            switch advice {
            case .doNotCopy: MADV_DONTFORK
            case .copy: MADV_DOFORK
            }
        // The advice changes what a child inherits, never the bytes; the kernel checks the range.
        let result = cshims_range_call(Int(SYS_madvise), lowerBound, Int(upperBound - lowerBound), value)
        return result == 0 ? nil : Errno(rawValue: CInt(truncatingIfNeeded: -result))
    }

    /// Whether every page from `lowerBound` to `upperBound` belongs to a mapping.
    ///
    /// Asks `msync(MS_ASYNC)`, which has done nothing but this check since Linux 2.6.19.
    @inlinable @inline(always)
    public static func isMapped(from lowerBound: UInt, to upperBound: UInt) -> Bool {
        // The call reads the list of mappings only.
        cshims_range_call(Int(SYS_msync), lowerBound, Int(upperBound - lowerBound), MS_ASYNC) == 0
    }
}

/// Private anonymous memory straight from the kernel: usable where `malloc` is not.
package enum AnonymousMemory {
    /// Maps `byteCount` zeroed bytes, or nil when there is no memory.
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        let protection = PROT_READ | PROT_WRITE
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let address = unsafe mmap(nil, byteCount, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        return unsafe address == MAP_FAILED ? nil : address
    }

    /// Gives memory from `allocate` back.
    @unsafe
    package static func free(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        _ = unsafe munmap(base, byteCount)
    }
}

// MARK: - Presence

extension PageAdvice {
    /// Brings pages into memory, for reading or as they are after a write.
    ///
    /// - Returns: nil, or why it failed: `ENOMEM` (a part is not mapped), `EFAULT` (or does not allow the access). Kernels
    ///   before 5.14 do not know the advice, and nothing is done.
    package static func populate(address: UInt, byteCount: UInt, forWriting: Bool) -> Errno? {
        // Linux 5.14; Debian 12's C library does not have the names everywhere.
        let (populateRead, populateWrite): (CInt, CInt) = (22, 23)
        let start = address & ~(Self.pageByteCount - 1)
        let (reach, overflows) = address.addingReportingOverflow(byteCount + Self.pageByteCount - 1)
        guard !overflows, let length = Int(exactly: (reach & ~(Self.pageByteCount - 1)) - start) else {
            return .badAddress
        }
        while true {
            // SAFETY: the advice changes which pages are present, never the bytes; the kernel checks the range.
            let result = unsafe madvise(
                UnsafeMutableRawPointer(bitPattern: start),
                length,
                forWriting ? populateWrite : populateRead
            )
            if result == 0 { return nil }
            switch Errno.last {
            case .interrupted, .wouldBlock: continue
            case .invalidArgument: return nil
            case let error: return error
            }
        }
    }
}
