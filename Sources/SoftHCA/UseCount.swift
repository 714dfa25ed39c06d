internal import Synchronization
package import SystemIO

/// How many objects depend on another, which cannot be closed before they are.
package struct UseCount: ~Copyable, Sendable {
    private let word = Atomic<UInt32>(0)

    /// Stands in the word once the object is closed.
    private static var closed: UInt32 { .max }

    package init() {}

    /// - Throws: `EINVAL` when the object is closed already.
    package func begin() throws(Errno) {
        var value = self.word.load(ordering: .relaxed)
        while value != Self.closed {
            let result = self.word.compareExchange(
                expected: value,
                desired: value + 1,
                ordering: .acquiringAndReleasing
            )
            if result.exchanged { return }
            value = result.original
        }
        throw .invalidArgument
    }

    package func end() {
        self.word.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    }

    /// Closes for good.
    ///
    /// - Throws: `EBUSY` while anything depends on the object; `EINVAL` when it is closed already.
    package func close() throws(Errno) {
        let result = self.word.compareExchange(expected: 0, desired: Self.closed, ordering: .acquiringAndReleasing)
        guard !result.exchanged else { return }
        throw result.original == Self.closed ? .invalidArgument : .resourceBusy
    }

    package var count: Int {
        let value = self.word.load(ordering: .relaxed)
        return value == Self.closed ? 0 : Int(value)
    }
}
