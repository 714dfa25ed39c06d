import Glibc

/// Reads all mappings of the own process from /proc, with fixed buffers.
package enum MappingList {
    private static let bufferByteCount = 1 << 14

    /// Calls `body` for each mapping in the order of addresses until it returns false. Reads /proc/self/smaps, which costs
    /// microseconds a mapping.
    package static func forEach(_ body: (MemoryMapping) -> Bool) {
        var parser = SmapsParser()
        self.forEachByte(of: "/proc/self/smaps") { byte in
            guard let mapping = parser.next(byte) else { return true }
            return body(mapping)
        }
    }

    /// How many mappings the process has. The kernel allows `limit`.
    package static var count: Int {
        var count = 0
        self.forEachByte(of: "/proc/self/maps") { byte in
            if byte == UInt8(ascii: "\n") { count += 1 }
            return true
        }
        return count
    }

    /// How many mappings a process may have (`vm.max_map_count`).
    package static var limit: Int {
        var limit = 0
        self.forEachByte(of: "/proc/sys/vm/max_map_count") { byte in
            guard let digit = DecimalDigit(byte) else { return false }
            limit = min(limit, 1 << 40) * 10 + digit.value
            return true
        }
        return limit > 0 ? limit : 65_530
    }

    @inline(__always)
    private static func forEachByte(of path: StaticString, _ body: (UInt8) -> Bool) {
        // SAFETY: a static string ends with a zero byte.
        let descriptor = unsafe path.utf8Start.withMemoryRebound(to: CChar.self, capacity: path.utf8CodeUnitCount + 1) {
            unsafe open($0, O_RDONLY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.bufferByteCount) { buffer in
            while true {
                // SAFETY: the kernel writes at most as many bytes as the buffer has, and they are read back only so far.
                let count = unsafe read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                for index in 0..<count {
                    guard unsafe body(buffer[index]) else { return }
                }
            }
        }
    }
}

/// A character from 0 to 9.
internal struct DecimalDigit {
    internal let value: Int

    internal init?(_ byte: UInt8) {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        self.value = Int(byte - UInt8(ascii: "0"))
    }
}
