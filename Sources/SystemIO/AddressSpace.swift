import CShims
import Glibc

/// What the own process has mapped.
///
/// It asks the kernel and never touches the memory in question, which may not be there.
package enum AddressSpace {
    /// Checks that a range of addresses is mapped, readable, and writable where that is needed.
    ///
    /// - Parameters:
    ///   - address: First byte; need not lie on a page boundary.
    ///   - byteCount: 0 is always in order.
    /// - Throws: `EFAULT` when a part of the range is not mapped, forbids the access, or wraps around the end of the
    ///   address space. `EMFILE`, `ENFILE`: no descriptor is left to ask with.
    package static func check(address: UInt, byteCount: Int, needsWrite: Bool) throws(Errno) {
        guard byteCount > 0 else { return }
        let (end, hasOverflow) = address.addingReportingOverflow(UInt(byteCount))
        guard !hasOverflow else { throw .badAddress }
        try self.check(RangeCheck(position: address, end: end, needsWrite: needsWrite))
    }

    /// What of a range is still to be found, from `position` on.
    internal struct RangeCheck {
        var position: UInt
        let end: UInt
        let needsWrite: Bool

        var isDone: Bool { self.position >= self.end }

        /// Takes note of the next mapping, in the order of addresses.
        mutating func pass(
            start: UInt,
            end: UInt,
            isReadable: Bool,
            isWritable: Bool
        ) throws(Errno) {
            guard end > self.position else { return }
            guard start <= self.position, isReadable, isWritable || !self.needsWrite else { throw .badAddress }
            self.position = end
        }
    }

    /// The same by reading the list of mappings, as kernels before 6.11 need it.
    package static func checkByText(address: UInt, byteCount: Int, needsWrite: Bool) throws(Errno) {
        let flags = O_RDONLY | O_CLOEXEC
        let descriptor = OwnedDescriptor(
            takingOver: try checkingErrno { unsafe cshims_open("/proc/self/maps", flags, 0) }
        )
        let range = RangeCheck(position: address, end: address + UInt(byteCount), needsWrite: needsWrite)
        try self.checkByText(range, descriptor.rawValue)
    }

    private static func check(_ range: RangeCheck) throws(Errno) {
        // The descriptor is not kept: a forked child's would still show the parent, and programs close what they do not
        // know.
        let rawDescriptor: CInt
        do throws(Errno) {
            rawDescriptor = try checkingErrno { unsafe cshims_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0) }
        } catch {
            guard error.rawValue == ENOENT || error == .permissionDenied else { throw error }
            return try self.checkWithoutProc(range)
        }
        let descriptor = OwnedDescriptor(takingOver: rawDescriptor)
        if try self.checkByQuery(range, descriptor.rawValue) { return }
        try self.checkByText(range, descriptor.rawValue)
    }
}

// MARK: - Linux 6.11 and later

extension AddressSpace {
    /// Asks for one mapping after the other.
    ///
    /// - Returns: `false` when this kernel does not know the question.
    private static func checkByQuery(_ range: RangeCheck, _ rawDescriptor: CInt) throws(Errno) -> Bool {
        var range = range
        while !range.isDone {
            var query = cshims_mapping_query()
            query.size = UInt64(MemoryLayout<cshims_mapping_query>.size)
            query.query_address = UInt64(range.position)
            // SAFETY: the kernel reads and writes the local variable, whose size it is told.
            if unsafe cshims_query_mapping(rawDescriptor, &query) != 0 {
                let error = Errno.last
                switch error.rawValue {
                case ENOENT: throw .badAddress
                case ENOTTY, EINVAL, ENOSYS: return false
                case EINTR: continue
                default: throw error
                }
            }
            try range.pass(
                start: UInt(query.start),
                end: UInt(query.end),
                isReadable: query.flags & UInt64(CSHIMS_MAPPING_READABLE) != 0,
                isWritable: query.flags & UInt64(CSHIMS_MAPPING_WRITABLE) != 0
            )
        }
        return true
    }
}

// MARK: - Older kernels

extension AddressSpace {
    /// Reads the list of mappings as text, in pieces.
    private static func checkByText(_ range: RangeCheck, _ rawDescriptor: CInt) throws(Errno) {
        var range = range
        var line = MappingLine()
        let error = unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer -> Errno? in
            while !range.isDone {
                // SAFETY: the kernel fills `count` bytes of the buffer, and only those are read.
                let count = unsafe Glibc.read(rawDescriptor, buffer.baseAddress, buffer.count)
                if count == 0 { return .badAddress }
                if count < 0 {
                    let error = Errno.last
                    if error == .interrupted { continue }
                    return error
                }
                for index in 0..<count where line.isComplete(after: unsafe buffer[index]) {
                    do throws(Errno) {
                        try line.pass(into: &range)
                    } catch {
                        return error
                    }
                    if range.isDone { return nil }
                    line = MappingLine()
                }
            }
            return nil
        }
        if let error { throw error }
    }

    /// Without `/proc`, only holes can be found: `msync` with this flag does nothing but look for them.
    private static func checkWithoutProc(_ range: RangeCheck) throws(Errno) {
        let pageMask = UInt(bitPattern: sysconf(CInt(_SC_PAGESIZE)) - 1)
        let start = range.position & ~pageMask
        // SAFETY: with MS_ASYNC the call writes nothing and touches no page.
        let result = unsafe msync(UnsafeMutableRawPointer(bitPattern: start), Int(range.end - start), CInt(MS_ASYNC))
        guard result == 0 else { throw .badAddress }
    }
}

/// One line of `/proc/PID/maps`, read byte by byte: `START-END rwxp …`. See proc(5).
private struct MappingLine {
    private var start: UInt = 0
    private var end: UInt = 0
    private var isReadable = false
    private var isWritable = false
    private var field = 0
    private var column = 0

    /// Takes in the next byte, and says whether it was the last of the line.
    mutating func isComplete(after byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\n"): return true
        case UInt8(ascii: "-") where self.field == 0, UInt8(ascii: " ") where self.field < 3:
            self.field += 1
            self.column = 0
            return false
        default: break
        }
        switch self.field {
        case 0: self.start = self.start << 4 | Self.hexDigit(byte)
        case 1: self.end = self.end << 4 | Self.hexDigit(byte)
        case 2 where self.column == 0: self.isReadable = byte == UInt8(ascii: "r")
        case 2 where self.column == 1: self.isWritable = byte == UInt8(ascii: "w")
        default: break
        }
        self.column += 1
        return false
    }

    func pass(into range: inout AddressSpace.RangeCheck) throws(Errno) {
        try range.pass(
            start: self.start,
            end: self.end,
            isReadable: self.isReadable,
            isWritable: self.isWritable
        )
    }

    private static func hexDigit(_ byte: UInt8) -> UInt {
        byte <= UInt8(ascii: "9") ? UInt(byte) - 48 : UInt(byte) - 87
    }
}
