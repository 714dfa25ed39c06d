package import SystemIO

/// A range of whole pages of the own address space, never empty.
package struct PageRange: Hashable, Sendable {
    /// Address of the first byte; a multiple of `pageByteCount`.
    package let lowerBound: UInt
    /// Address behind the last byte; a multiple of `pageByteCount`.
    package let upperBound: UInt

    /// The size of the smallest page of this machine, in bytes.
    package static var pageByteCount: UInt { PageAdvice.pageByteCount }

    /// Addresses from here on belong to the kernel on every machine with 64-bit addresses.
    private static let userLimit: UInt = 1 << 63

    /// Both bounds must be multiples of the page size, and must not be equal.
    package init(lowerBound: UInt, upperBound: UInt) {
        assert(lowerBound < upperBound)
        assert((lowerBound | upperBound) & (Self.pageByteCount - 1) == 0)
        self.lowerBound = lowerBound
        self.upperBound = upperBound
    }

    /// The pages that hold `byteCount` bytes from `address` on: both ends are rounded outwards.
    ///
    /// - Throws: `EINVAL` when `byteCount` is zero or the end, also the rounded one, does not fit into an address;
    ///   `ENOMEM` when it lies where no process has memory.
    @inline(__always)
    package init(address: UInt, byteCount: UInt) throws(Errno) {
        let mask = Self.pageByteCount - 1
        let (end, isWrapped) = address.addingReportingOverflow(byteCount)
        let (rounded, isRoundingWrapped) = end.addingReportingOverflow(mask)
        guard _fastPath(byteCount > 0 && !isWrapped && !isRoundingWrapped) else { throw .invalidArgument }
        guard _fastPath(rounded <= Self.userLimit) else { throw .noMemory }
        self.init(lowerBound: address & ~mask, upperBound: rounded & ~mask)
    }

    package var byteCount: UInt { self.upperBound - self.lowerBound }

    internal var isOnePage: Bool { self.upperBound &- self.lowerBound == Self.pageByteCount }

    package func overlaps(_ other: PageRange) -> Bool {
        self.lowerBound < other.upperBound && other.lowerBound < self.upperBound
    }
}
