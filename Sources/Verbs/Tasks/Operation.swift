internal import SystemIO

/// What is told of the end of a work request, once.
internal protocol CompletionTarget: AnyObject, Sendable {
    /// The adapter has let go.
    func end(_ completion: WorkCompletion)

    /// Its completion is lost.
    func fail(_ error: VerbsError)
}

/// A work request that a task awaits. It holds the memory, and the queue pair, until its completion has come.
internal final class Operation: CompletionTarget {
    let outcome = Outcome<WorkCompletion>()
    private let pair: PairCore
    private let memory: SharedRegion
    private let places: CreditPool
    private let atEnd: (@Sendable () -> Void)?

    init(pair: PairCore, memory: SharedRegion, places: CreditPool, atEnd: (@Sendable () -> Void)?) {
        self.pair = pair
        self.memory = memory
        self.places = places
        self.atEnd = atEnd
    }

    func end(_ completion: WorkCompletion) {
        // Before the task goes on, which may read what `atEnd` leaves.
        self.giveBack()
        self.outcome.end(.success(completion))
    }

    func fail(_ error: VerbsError) {
        self.pair.shutDown(error)
        self.giveBack()
        self.outcome.end(.failure(error))
    }

    /// The request was not even posted.
    func giveBack() {
        self.atEnd?()
        self.places.give()
    }
}

/// The operations that are under way, by the number that the adapter gives back.
@safe
internal final class OperationTable {
    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var slots: [(any CompletionTarget)?] = []
    private var free: [Int] = []
    private var failure: VerbsError?
    /// The upper half of all numbers of this table, so that requests which a program numbered itself end none of its
    /// operations.
    private let mark = UInt64.random(in: 1...0xFFFF_FFFF) << 32

    /// Enters an operation.
    ///
    /// - Throws: What the queue failed for.
    func insert(_ operation: any CompletionTarget) throws(VerbsError) -> UInt64 {
        try self.lock.withLock { () throws(VerbsError) in
            if let failure { throw failure }
            if let index = self.free.popLast() {
                self.slots[index] = operation
                return self.mark | UInt64(index)
            }
            self.slots.append(operation)
            return self.mark | UInt64(self.slots.count - 1)
        }
    }

    /// Ends all operations that are under way, and all that come later, with an error.
    func fail(_ error: VerbsError) {
        let operations = self.lock.withLock {
            self.failure = self.failure ?? error
            defer {
                self.slots = []
                self.free = []
            }
            return self.slots
        }
        for operation in operations { operation?.fail(error) }
    }

    /// Takes an operation out; nil when the number is none.
    @discardableResult
    func remove(_ id: UInt64) -> (any CompletionTarget)? {
        self.lock.withLock {
            let index = Int(truncatingIfNeeded: id & 0xFFFF_FFFF)
            guard id & ~0xFFFF_FFFF == self.mark, index < self.slots.count, let operation = self.slots[index] else {
                return nil
            }
            self.slots[index] = nil
            self.free.append(index)
            return operation
        }
    }

    /// How many are under way.
    var count: Int { self.lock.withLock { self.slots.count - self.free.count } }
}

// SAFETY: see the stored properties.
extension OperationTable: @unchecked Sendable {}
