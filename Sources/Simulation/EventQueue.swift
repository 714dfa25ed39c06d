import Transport

/// Events by time, and those of one time in the order in which they were added. A binary heap.
struct EventQueue<Event> {
    private struct Entry {
        var time: Timestamp
        var order: UInt64
        var event: Event

        func precedes(_ other: Entry) -> Bool {
            (self.time.nanoseconds, self.order) < (other.time.nanoseconds, other.order)
        }
    }

    private var heap: [Entry] = []
    private var nextOrder: UInt64 = 0

    var nextTime: Timestamp? { self.heap.first?.time }

    mutating func add(_ event: Event, at time: Timestamp) {
        self.heap.append(Entry(time: time, order: self.nextOrder, event: event))
        self.nextOrder += 1
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child].precedes(self.heap[parent]) else { return }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeNext() -> Event? {
        guard let first = self.heap.first else { return nil }
        let last = self.heap.removeLast()
        guard !self.heap.isEmpty else { return first.event }
        self.heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.heap.count {
                if self.heap[child].precedes(self.heap[least]) { least = child }
            }
            if least == parent { return first.event }
            self.heap.swapAt(least, parent)
            parent = least
        }
    }
}
