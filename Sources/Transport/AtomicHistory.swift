import Wire

/// The results of the last atomic operations, for requesters that ask again because the answer was lost.
struct AtomicHistory: ~Copyable {
    struct Result: BitwiseCopyable {
        var position: SequencePosition
        var content: ResponseEntry.Content
    }

    private var results: FixedRing<Result>
    private var nextIndex = 0
    private var count = 0

    /// - Parameter readsMax: how many are kept. A requester never has more in flight.
    init(readsMax: Int) {
        let empty = Result(position: SequencePosition(startingAt: PSN(truncating: 0)), content: .atomicWrite)
        self.results = FixedRing(capacity: max(1, readsMax), filledWith: empty)
    }

    /// Makes room for more results, and keeps those that are there.
    mutating func grow(readsMax: Int) {
        guard readsMax > self.results.capacity else { return }
        var larger = FixedRing(capacity: readsMax, filledWith: self.results[0])
        let oldestIndex = self.nextIndex + self.results.capacity - self.count
        for offset in 0..<self.count { larger[offset] = self.results[(oldestIndex + offset) % self.results.capacity] }
        self.results = larger
        self.nextIndex = self.count
    }

    mutating func save(_ content: ResponseEntry.Content, at position: SequencePosition) {
        self.results[self.nextIndex] = Result(position: position, content: content)
        self.nextIndex = self.nextIndex + 1 == self.results.capacity ? 0 : self.nextIndex + 1
        self.count = min(self.count + 1, self.results.capacity)
    }

    /// What the request at `position` was answered with.
    func content(at position: SequencePosition) -> ResponseEntry.Content? {
        for index in 0..<self.count where self.results[index].position == position {
            return self.results[index].content
        }
        return nil
    }
}
