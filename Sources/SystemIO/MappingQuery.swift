import CShims
import Glibc

/// Asks the kernel for one mapping of the own address space.
package enum MappingQuery {
    /// The mapping that holds `address`, or the next one above it; nil when there is none.
    ///
    /// Costs one system call since Linux 6.11 (`PROCMAP_QUERY`), and reads /proc/self/smaps before. Allocates nothing, so
    /// that a fork handler may call it.
    package static func mapping(atOrAbove address: UInt) -> MemoryMapping? {
        let descriptor = unsafe open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
        if descriptor >= 0 {
            defer { close(descriptor) }
            var query = ProcmapQuery()
            query.queryFlags = ProcmapQuery.coveringOrNext
            query.queryAddress = UInt64(address)
            // SAFETY: the kernel writes `query.byteCount` bytes at most, which is the size of the structure.
            let result = unsafe withUnsafeMutablePointer(to: &query) {
                unsafe cshims_ioctl_pointer(descriptor, ProcmapQuery.request, $0)
            }
            if result == 0 { return query.mapping }
            if errno == ENOENT { return nil }
        }
        var found: MemoryMapping?
        MappingList.forEach { mapping in
            guard mapping.upperBound > address else { return true }
            found = mapping
            return false
        }
        return found
    }
}

/// `struct procmap_query` of linux/fs.h. Debian 12's headers are older than it.
private struct ProcmapQuery {
    var byteCount = UInt64(MemoryLayout<ProcmapQuery>.size)
    var queryFlags: UInt64 = 0
    var queryAddress: UInt64 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0
    var flags: UInt64 = 0
    var pageByteCount: UInt64 = 0
    var offset: UInt64 = 0
    var inode: UInt64 = 0
    var deviceMajor: UInt32 = 0
    var deviceMinor: UInt32 = 0
    var nameByteCount: UInt32 = 0
    var buildIDByteCount: UInt32 = 0
    var nameAddress: UInt64 = 0
    var buildIDAddress: UInt64 = 0

    /// `_IOWR('f', 17, struct procmap_query)`
    static let request: UInt = 3 << 30 | UInt(MemoryLayout<ProcmapQuery>.size) << 16 | 0x66 << 8 | 17
    static let coveringOrNext: UInt64 = 0x10

    private static let writable: UInt64 = 0x02
    private static let shared: UInt64 = 0x08

    var mapping: MemoryMapping {
        MemoryMapping(
            lowerBound: UInt(self.start),
            upperBound: UInt(self.end),
            pageByteCount: UInt(self.pageByteCount),
            isWritable: self.flags & Self.writable != 0,
            isPrivate: self.flags & Self.shared == 0,
            isLeftOutOfChildren: false
        )
    }
}
