/// The ranges with which calls are in the kernel right now. No two of them overlap.
@safe
internal struct ClaimList: ~Copyable {
    /// More calls than this at a time wait for each other.
    internal static var capacity: Int { 32 }

    internal private(set) var count = 0
    // SAFETY: room for `capacity` ranges, from `init` until `deinit`; the first `count` are claimed. Not an array inside of
    // the structure, which the compiler copies whole for a look at one element.
    private let ranges: UnsafeMutablePointer<PageRange>

    internal init() {
        unsafe self.ranges = .allocate(capacity: Self.capacity)
    }

    deinit {
        unsafe self.ranges.deallocate()
    }
}

extension ClaimList {
    internal var isFull: Bool { self.count == Self.capacity }

    @inline(__always)
    internal func overlaps(_ range: PageRange) -> Bool {
        for index in 0..<self.count {
            if unsafe self.ranges[index].overlaps(range) { return true }
        }
        return false
    }

    @inline(__always)
    internal mutating func insert(_ range: PageRange) {
        precondition(!self.isFull)
        assert(!self.overlaps(range))
        unsafe (self.ranges + self.count).initialize(to: range)
        self.count += 1
    }

    @inline(__always)
    internal mutating func remove(_ range: PageRange) {
        for index in 0..<self.count where unsafe self.ranges[index] == range {
            self.count -= 1
            unsafe self.ranges[index] = self.ranges[self.count]
            return
        }
        assertionFailure("a claim ends once")
    }

    internal mutating func removeAll() {
        self.count = 0
    }
}
