internal import Wire

/// Which queue pair of this process has a number. Numbers of one process share their upper ten bits, so the lower
/// fourteen are the index.
///
/// It holds the queue pairs unretained: a queue pair leaves the table before it ends.
@safe
internal struct QueuePairDirectory: ~Copyable {
    static var capacity: Int { 1 << 14 }

    // SAFETY: `capacity` initialised places from `init` until `deinit`.
    private let places: UnsafeMutablePointer<Unmanaged<QueuePair>?>
    private(set) var count = 0

    init() {
        unsafe self.places = .allocate(capacity: Self.capacity)
        unsafe self.places.initialize(repeating: nil, count: Self.capacity)
    }

    deinit {
        unsafe self.places.deallocate()
    }

    private static func place(_ number: QPN) -> Int { Int(number.rawValue) & (Self.capacity - 1) }

    mutating func insert(_ queuePair: QueuePair) {
        let place = Self.place(queuePair.qpn)
        precondition(unsafe self.places[place] == nil, "a number has one queue pair")
        unsafe self.places[place] = .passUnretained(queuePair)
        self.count += 1
    }

    mutating func remove(_ queuePair: QueuePair) {
        unsafe self.places[Self.place(queuePair.qpn)] = nil
        self.count -= 1
    }

    /// The queue pair with exactly this number.
    @inline(always)
    subscript(number: QPN) -> Unmanaged<QueuePair>? {
        guard let queuePair = unsafe self.places[Self.place(number)] else { return nil }
        // SAFETY: whatever is in the table is alive.
        let isIt = unsafe queuePair._withUnsafeGuaranteedRef { $0.qpn == number }
        return isIt ? unsafe queuePair : nil
    }

    /// Calls `body` with every queue pair. For timers and teardown, not for packets.
    func forEach(_ body: (QueuePair) -> Void) {
        guard self.count > 0 else { return }
        for place in 0..<Self.capacity {
            // SAFETY: whatever is in the table is alive.
            if let queuePair = unsafe self.places[place] { unsafe queuePair._withUnsafeGuaranteedRef(body) }
        }
    }
}
