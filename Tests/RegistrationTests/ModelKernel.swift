import Glibc
import Registration
import Synchronization
import SystemIO

/// An address space of a test's own: mappings with page sizes of its choice, holes, a limit on mappings, and calls that
/// fail when the test says so. It behaves as madvise(2) does: over holes it goes on and says ENOMEM, an end that cuts a
/// huge page is EINVAL, no mapping left to split is EAGAIN; what lies before the obstacle is changed.
final class ModelKernel: MemoryKernel, @unchecked Sendable {
    struct Page: Equatable {
        /// Which mapping the page belongs to; nil in a hole.
        var mapping: Int?
        var isFlagged = false
    }

    static let base: UInt = 1 << 40
    static let size = PageRange.pageByteCount

    private let lock = Lock()
    private var pages: [Page]
    /// The page size of each mapping, in small pages.
    private let pageSizes: [Int]
    /// Fails the call with this number, counted from 1, among `advise` and `allocate`; nil fails none.
    var failingCall: Int?
    /// Whether all later calls fail too.
    var failsOnwards = false
    /// Fails each call whose number this divides; nil fails none.
    var failurePeriod: Int?
    private(set) var callCount = 0
    var mappingLimit = 1_000_000
    private(set) var countedMappings = 0

    /// - Parameter mappings: The lengths of the mappings in small pages, and the sizes of their pages; a size of 0 is a
    ///   hole.
    init(mappings: [(pageCount: Int, pageSize: Int)]) {
        self.pages = []
        for (index, mapping) in mappings.enumerated() {
            let page = Page(mapping: mapping.pageSize > 0 ? index : nil)
            self.pages += [Page](repeating: page, count: mapping.pageCount)
        }
        self.pageSizes = mappings.map(\.pageSize)
    }

    var pageCount: Int { self.pages.count }
    var flags: [Bool] { self.lock.withLock { self.pages.map(\.isFlagged) } }
    func isHole(_ page: Int) -> Bool { self.pages[page].mapping == nil }

    /// The small pages that share the page of `page`.
    func kernelPage(of page: Int) -> Range<Int> {
        guard let mapping = self.pages[page].mapping else { return page..<page + 1 }
        let size = self.pageSizes[mapping]
        return page / size * size..<page / size * size + size
    }

    func range(_ first: Int, _ end: Int) -> PageRange {
        PageRange(lowerBound: Self.base + UInt(first) * Self.size, upperBound: Self.base + UInt(end) * Self.size)
    }

    /// Starts counting calls anew, and fails the one with the number `call`.
    func failCall(_ call: Int?, onwards: Bool = false) {
        self.callCount = 0
        self.failingCall = call
        self.failsOnwards = onwards
    }

    /// Whether the call that is being made is one that must fail.
    private func takesFailure() -> Bool {
        self.callCount += 1
        if let period = self.failurePeriod, self.callCount.isMultiple(of: period) { return true }
        guard let failingCall = self.failingCall else { return false }
        return self.failsOnwards ? self.callCount >= failingCall : self.callCount == failingCall
    }

    // MARK: - MemoryKernel

    func advise(_ advice: ForkAdvice, _ range: PageRange) -> Errno? {
        self.lock.withLock {
            let first = Int((range.lowerBound - Self.base) / Self.size)
            let end = Int((range.upperBound - Self.base) / Self.size)
            let failureAt = self.takesFailure() ? (first + end) / 2 : Int.max
            var hasHole = false
            var page = first
            while page < min(end, self.pages.count) {
                if page >= failureAt { return .wouldBlock }
                guard let mapping = self.pages[page].mapping else {
                    hasHole = true
                    page += 1
                    continue
                }
                // Neighbours in one mapping with equal flags change together, or not at all.
                let part = self.pages[page..<min(end, failureAt)].prefix { $0 == self.pages[page] }
                if self.pages[page].isFlagged != (advice == .doNotCopy) {
                    let size = self.pageSizes[mapping]
                    if !part.startIndex.isMultiple(of: size) || !part.endIndex.isMultiple(of: size) {
                        return part.endIndex == failureAt ? .wouldBlock : .invalidArgument
                    }
                    for page in part.indices { self.pages[page].isFlagged.toggle() }
                }
                page = part.endIndex
            }
            if failureAt < end { return .wouldBlock }
            if self.mappingRunCount > self.mappingLimit {
                for page in first..<end { self.pages[page].isFlagged = advice != .doNotCopy }
                return .wouldBlock
            }
            return hasHole || end > self.pages.count ? .noMemory : nil
        }
    }

    func isMapped(_ range: PageRange) -> Bool {
        self.lock.withLock {
            let first = Int((range.lowerBound - Self.base) / Self.size)
            let end = Int((range.upperBound - Self.base) / Self.size)
            return end <= self.pages.count && self.pages[first..<end].allSatisfy { $0.mapping != nil }
        }
    }

    func mapping(atOrAbove address: UInt) -> MemoryMapping? {
        self.lock.withLock {
            let start = address > Self.base ? Int((address - Self.base) / Self.size) : 0
            guard let page = self.pages.indices.dropFirst(start).first(where: { self.pages[$0].mapping != nil }),
                let mapping = self.pages[page].mapping
            else { return nil }
            let first = self.pages.indices.first { self.pages[$0].mapping == mapping } ?? page
            let end = self.pages.indices.last { self.pages[$0].mapping == mapping } ?? page
            return MemoryMapping(
                lowerBound: Self.base + UInt(first) * Self.size,
                upperBound: Self.base + UInt(end + 1) * Self.size,
                pageByteCount: UInt(self.pageSizes[mapping]) * Self.size,
                isWritable: true,
                isPrivate: true,
                isLeftOutOfChildren: false
            )
        }
    }

    func forEachMapping(_ body: (MemoryMapping) -> Bool) {
        for (index, page) in self.lock.withLock({ self.pages }).enumerated() where page.mapping != nil {
            let lowerBound = Self.base + UInt(index) * Self.size
            let mapping = MemoryMapping(
                lowerBound: lowerBound,
                upperBound: lowerBound + Self.size,
                pageByteCount: Self.size,
                isWritable: true,
                isPrivate: true,
                isLeftOutOfChildren: page.isFlagged
            )
            if !body(mapping) { return }
        }
    }

    var mappingCount: Int {
        self.lock.withLock {
            self.countedMappings += 1
            return self.mappingRunCount
        }
    }

    /// Neighbours in one mapping with equal flags are one mapping to the kernel.
    private var mappingRunCount: Int {
        var count = 0
        var previous: Page?
        for page in self.pages {
            if page != previous, page.mapping != nil { count += 1 }
            previous = page
        }
        return count
    }

    func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        if self.lock.withLock({ self.takesFailure() }) { return nil }
        return LinuxMemoryKernel().allocate(byteCount: byteCount)
    }

    func free(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        LinuxMemoryKernel().free(base, byteCount: byteCount)
    }
}
