internal import SystemIO

/// A number of places that tasks take and give back. Who finds none waits, first come, first served.
@safe
internal final class CreditPool {
    private let lock = Lock()
    // SAFETY: the state is read and written under the lock only.
    private var available: Int
    private var waiters: [Outcome<Void>] = []
    /// The waiters before this index have been served.
    private var firstIndex = 0
    private var failure: VerbsError?

    init(count: Int) {
        self.available = count
    }

    /// Takes a place, and waits until there is one.
    ///
    /// - Throws: `CancellationError`; what `fail` was given.
    func take() async throws {
        try Task.checkCancellation()
        guard let waiter = try self.takeOrWait() else { return }
        try await waiter.value()
    }

    /// Takes a place, and waits until there is one, whether the task is cancelled or not.
    func takeToTheEnd() async throws {
        guard let waiter = try self.takeOrWait() else { return }
        try await waiter.valueToTheEnd()
    }

    /// Takes a place if there is one.
    func tryTake() -> Bool {
        self.lock.withLock {
            guard self.failure == nil, self.available > 0 else { return false }
            self.available -= 1
            return true
        }
    }

    private func takeOrWait() throws(VerbsError) -> Outcome<Void>? {
        try self.lock.withLock { () throws(VerbsError) -> Outcome<Void>? in
            if let failure { throw failure }
            if self.available > 0 {
                self.available -= 1
                return nil
            }
            let waiter = Outcome<Void>()
            self.waiters.append(waiter)
            return waiter
        }
    }

    /// Gives places back, to those who wait if somebody does.
    func give(_ count: Int = 1) {
        for _ in 0..<count {
            // Who was cancelled does not take it.
            while let waiter = self.nextWaiterOrKeep() {
                if waiter.end(.success(())) { break }
            }
        }
    }

    /// The first who waits; without one, the place is kept.
    private func nextWaiterOrKeep() -> Outcome<Void>? {
        self.lock.withLock {
            guard self.firstIndex < self.waiters.count else {
                self.available += 1
                return nil
            }
            let waiter = self.waiters[self.firstIndex]
            self.firstIndex += 1
            if self.firstIndex == self.waiters.count || self.firstIndex > 1024 {
                self.waiters.removeFirst(self.firstIndex)
                self.firstIndex = 0
            }
            return waiter
        }
    }

    /// Lets everybody who waits, and all who come later, fail.
    func fail(_ error: VerbsError) {
        let waiters = self.lock.withLock {
            self.failure = self.failure ?? error
            let waiters = self.waiters[self.firstIndex...]
            self.waiters = []
            self.firstIndex = 0
            return waiters
        }
        for waiter in waiters { waiter.end(.failure(error)) }
    }
}

// SAFETY: see the stored properties.
extension CreditPool: @unchecked Sendable {}
