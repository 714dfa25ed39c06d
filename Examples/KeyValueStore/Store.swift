import Synchronization
import Verbs

/// The server's side: the one writer of the table.
actor Store {
    private let region: SharedRegion

    init(_ region: SharedRegion) {
        self.region = region
    }

    func put(_ key: UInt64, _ value: [UInt8]) {
        let start = Table.range(of: key).lowerBound
        let count = min(value.count, Table.valueByteCountMax)
        let sequence = self.region.load(UInt64.self, at: start)
        self.region.store(sequence &+ 1, at: start)
        // Who reads remotely must see the odd number before any byte of the new value, and those before the even one.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        self.region.store(key, at: start + Table.keyOffset)
        self.region.store(UInt64(count), at: start + Table.lengthOffset)
        let stored = value.prefix(count)
        self.region.copy(stored.span.bytes, at: start + Table.valueOffset)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        self.region.store(sequence &+ 2, at: start)
    }
}
