import Synchronization

/// Numbers that are handed out once in a process.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { self.value.wrappingAdd(1, ordering: .relaxed).oldValue }
}
