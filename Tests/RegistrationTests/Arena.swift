import Glibc
import Registration
import SystemIO

/// Pages of the test's own, between two that cannot be reached, so that the kernel never merges them with others.
final class Arena {
    static let pageByteCount = Int(PageRange.pageByteCount)
    let pageCount: Int
    let base: UnsafeMutableRawPointer
    private let outerBase: UnsafeMutableRawPointer
    private let outerByteCount: Int

    init(pageCount: Int, protection: CInt = PROT_READ | PROT_WRITE, flags: CInt = 0) throws {
        self.pageCount = pageCount
        self.outerByteCount = (pageCount + 2) * Self.pageByteCount
        let kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let outer = mmap(nil, self.outerByteCount, PROT_NONE, kind, -1, 0), outer != MAP_FAILED else {
            throw Errno.last
        }
        self.outerBase = outer
        self.base = outer + Self.pageByteCount
        // A shared mapping of its own kind keeps the arena apart from the guards even with the same protection.
        guard mmap(self.base, pageCount * Self.pageByteCount, protection, kind | MAP_FIXED | flags, -1, 0) != MAP_FAILED
        else { throw Errno.last }
    }

    deinit {
        munmap(self.outerBase, self.outerByteCount)
    }

    func address(of page: Int) -> UInt { UInt(bitPattern: self.base) + UInt(page * Self.pageByteCount) }

    func range(_ first: Int, _ end: Int) -> PageRange {
        PageRange(lowerBound: self.address(of: first), upperBound: self.address(of: end))
    }

    /// The kernel's list of the mappings of the arena, with their flags.
    var mappings: [MemoryMapping] {
        let (lowerBound, upperBound) = (self.address(of: 0), self.address(of: self.pageCount))
        var found: [MemoryMapping] = []
        MappingList.forEach { mapping in
            if mapping.lowerBound < upperBound, mapping.upperBound > lowerBound { found.append(mapping) }
            return mapping.lowerBound < upperBound
        }
        return found
    }

    /// For each page whether children do without it; nil where nothing is mapped.
    var flags: [Bool?] {
        var flags = [Bool?](repeating: nil, count: self.pageCount)
        for mapping in self.mappings {
            let first = Int(max(mapping.lowerBound, self.address(of: 0)) - self.address(of: 0)) / Self.pageByteCount
            let end = Int(min(mapping.upperBound, self.address(of: self.pageCount)) - self.address(of: 0))
            for page in first..<end / Self.pageByteCount { flags[page] = mapping.isLeftOutOfChildren }
        }
        return flags
    }
}
