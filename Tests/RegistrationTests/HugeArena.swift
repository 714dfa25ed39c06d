import Glibc
import Registration
import SystemIO
import TestSupport

/// Huge pages of 2 MiB and small pages right behind them.
final class HugeArena {
    static let hugeByteCount = 2 << 20
    let base: UnsafeMutableRawPointer
    private let pageCount: Int
    private let outerBase: UnsafeMutableRawPointer
    private let outerByteCount: Int

    init(hugePageCount: Int, smallPageCount: Int) throws {
        let hugeBytes = hugePageCount * Self.hugeByteCount
        let smallBytes = smallPageCount * Arena.pageByteCount
        self.pageCount = (hugeBytes + smallBytes) / Arena.pageByteCount
        self.outerByteCount = hugeBytes + 2 * Self.hugeByteCount
        let kind = MAP_PRIVATE | MAP_ANONYMOUS
        guard let outer = mmap(nil, self.outerByteCount, PROT_NONE, kind | MAP_NORESERVE, -1, 0), outer != MAP_FAILED
        else { throw Errno.last }
        self.outerBase = outer
        let mask = UInt(Self.hugeByteCount - 1)
        self.base = outer + Int(((UInt(bitPattern: outer) + mask) & ~mask) - UInt(bitPattern: outer))
        let all = PROT_READ | PROT_WRITE
        let huge = mmap(self.base, hugeBytes, all, kind | MAP_FIXED | MAP_HUGETLB, -1, 0)
        let small = mmap(self.base + hugeBytes, smallBytes, all, kind | MAP_FIXED, -1, 0)
        guard huge != MAP_FAILED, small != MAP_FAILED else { throw Errno.last }
    }

    deinit {
        munmap(self.outerBase, self.outerByteCount)
    }

    func range(_ first: Int, _ end: Int) -> PageRange {
        let address = UInt(bitPattern: self.base)
        let size = PageRange.pageByteCount
        return PageRange(lowerBound: address + UInt(first) * size, upperBound: address + UInt(end) * size)
    }

    /// For each small page, and each small part of a huge one, whether children do without it.
    var flags: [Bool] {
        let all = self.range(0, self.pageCount)
        var flags = [Bool](repeating: false, count: self.pageCount)
        MappingList.forEach { mapping in
            guard mapping.lowerBound < all.upperBound else { return false }
            guard mapping.upperBound > all.lowerBound else { return true }
            let first = Int((max(mapping.lowerBound, all.lowerBound) - all.lowerBound) / PageRange.pageByteCount)
            let end = Int((min(mapping.upperBound, all.upperBound) - all.lowerBound) / PageRange.pageByteCount)
            for page in first..<end { flags[page] = mapping.isLeftOutOfChildren }
            return true
        }
        return flags
    }
}

/// Huge pages that are free, for as long as the value lives; then the machine's pool has its old size again.
final class HugePages {
    private static let path = "/proc/sys/vm/nr_hugepages"
    private let poolSizeBefore: Int?

    /// Sees to it that `count` huge pages are free, which takes root unless they are already.
    init(_ count: Int) throws(TestFailure) {
        guard !Self.areFree(count) else {
            self.poolSizeBefore = nil
            return
        }
        self.poolSizeBefore = Self.poolSize
        Self.poolSize = (self.poolSizeBefore ?? 0) + 2 * count
        guard Self.areFree(count) else {
            Self.poolSize = self.poolSizeBefore ?? 0
            throw TestFailure("no huge pages: this test needs \(2 * count) in \(Self.path), or root to put them there")
        }
    }

    deinit {
        if let before = self.poolSizeBefore { Self.poolSize = before }
    }

    private static func areFree(_ count: Int) -> Bool {
        let kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB
        let byteCount = count * HugeArena.hugeByteCount
        let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, kind, -1, 0)
        guard memory != MAP_FAILED else { return false }
        munmap(memory, byteCount)
        return true
    }

    private static var poolSize: Int {
        get {
            guard let file = fopen(Self.path, "r") else { return 0 }
            defer { fclose(file) }
            var text = [CChar](repeating: 0, count: 32)
            guard fgets(&text, CInt(text.count), file) != nil else { return 0 }
            return atol(text)
        }
        set {
            guard let file = fopen(Self.path, "w") else { return }
            fputs("\(newValue)\n", file)
            fclose(file)
        }
    }
}
