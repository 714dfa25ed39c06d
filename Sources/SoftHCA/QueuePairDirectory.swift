internal import Wire

/// Which queue pair of this process has a number. Numbers of one process share their upper ten bits, so the lower
/// fourteen are the index.
///
/// It holds the queue pairs unretained: a queue pair leaves the directory before it ends.
@safe
internal struct QueuePairDirectory: ~Copyable {
    static var capacity: Int { 1 << 14 }

    // SAFETY: `capacity` initialised places from `init` until `deinit`.
    private let places: UnsafeMutablePointer<Unmanaged<QueuePair>?>
    // SAFETY: likewise; the first `count` hold the queue pairs without gaps, in no order.
    private let all: UnsafeMutablePointer<Unmanaged<QueuePair>?>
    private(set) var count = 0

    init() {
        unsafe self.places = .allocate(capacity: Self.capacity)
        unsafe self.places.initialize(repeating: nil, count: Self.capacity)
        unsafe self.all = .allocate(capacity: Self.capacity)
        unsafe self.all.initialize(repeating: nil, count: Self.capacity)
    }

    deinit {
        unsafe self.places.deallocate()
        unsafe self.all.deallocate()
    }

    private static func place(_ number: QPN) -> Int { Int(number.rawValue) & (Self.capacity - 1) }

    mutating func insert(_ queuePair: QueuePair) {
        let place = Self.place(queuePair.qpn)
        precondition(unsafe self.places[place] == nil, "a number has one queue pair")
        unsafe self.places[place] = .passUnretained(queuePair)
        unsafe self.all[self.count] = .passUnretained(queuePair)
        queuePair.directoryIndex = self.count
        self.count += 1
    }

    mutating func remove(_ queuePair: QueuePair) {
        unsafe self.places[Self.place(queuePair.qpn)] = nil
        self.count -= 1
        let last = unsafe self.all[self.count]
        unsafe self.all[queuePair.directoryIndex] = last
        unsafe self.all[self.count] = nil
        // SAFETY: whatever is in the directory is alive.
        unsafe last?._withUnsafeGuaranteedRef { $0.directoryIndex = queuePair.directoryIndex }
    }

    /// The queue pair with exactly this number.
    @inline(always)
    subscript(number: QPN) -> Unmanaged<QueuePair>? {
        guard let queuePair = unsafe self.places[Self.place(number)] else { return nil }
        // SAFETY: whatever is in the directory is alive.
        let isIt = unsafe queuePair._withUnsafeGuaranteedRef { $0.qpn == number }
        return isIt ? unsafe queuePair : nil
    }

    /// Calls `body` with every queue pair.
    func forEach(_ body: (QueuePair) -> Void) {
        for index in 0..<self.count {
            // SAFETY: whatever is in the directory is alive.
            unsafe self.all[index]?._withUnsafeGuaranteedRef(body)
        }
    }
}
