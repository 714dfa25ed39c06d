internal import SystemIO

/// How something ended that one task may wait for: set once, by whoever is first. The waiting task is resumed outside of any
/// lock.
@safe
internal final class Outcome<Value: Sendable> {
    @safe
    private enum State {
        case open
        case awaited(UnsafeContinuation<Value, any Error>)
        case ended(Result<Value, any Error>)
        /// Nobody waits any more.
        case abandoned
    }

    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var state = State.open

    /// Sets how it ended.
    ///
    /// - Returns: False when it had ended before, or nobody waits for it any more.
    @discardableResult
    func end(_ result: Result<Value, any Error>) -> Bool {
        let (waiter, isFirst) = unsafe self.lock.withLock { () -> (UnsafeContinuation<Value, any Error>?, Bool) in
            switch self.state {
            case .open:
                self.state = .ended(result)
                return (nil, true)
            case .awaited(let waiter):
                self.state = .ended(result)
                return unsafe (waiter, true)
            case .ended, .abandoned:
                return (nil, false)
            }
        }
        unsafe waiter?.resume(with: result)
        return isFirst
    }

    /// Whether a task that waits would go on at once.
    var hasEnded: Bool { self.result != nil }

    /// How it ended, if it has.
    private var result: Result<Value, any Error>? {
        self.lock.withLock {
            if case .ended(let result) = self.state { result } else { nil }
        }
    }

    /// Waits for the end, in one task. When that is cancelled, it throws at once.
    func value() async throws -> Value {
        // What has ended costs its task no change of executors: the handler's body runs on the global one.
        if let result { return try result.get() }
        return try await withTaskCancellationHandler {
            try await unsafe withUnsafeThrowingContinuation { unsafe self.await($0) }
        } onCancel: {
            self.abandon()
        }
    }

    /// Waits for the end, whether the task is cancelled or not.
    func valueToTheEnd() async throws -> Value {
        try await unsafe withUnsafeThrowingContinuation { unsafe self.await($0) }
    }

    private func `await`(_ continuation: UnsafeContinuation<Value, any Error>) {
        let result = self.lock.withLock { () -> Result<Value, any Error>? in
            switch self.state {
            case .open, .awaited:
                self.state = unsafe .awaited(continuation)
                return nil
            case .ended(let result): return result
            case .abandoned: return .failure(CancellationError())
            }
        }
        if let result { unsafe continuation.resume(with: result) }
    }

    private func abandon() {
        let waiter = unsafe self.lock.withLock { () -> UnsafeContinuation<Value, any Error>? in
            switch self.state {
            case .open:
                self.state = .abandoned
                return nil
            case .awaited(let waiter):
                self.state = .abandoned
                return unsafe waiter
            case .ended, .abandoned: return nil
            }
        }
        unsafe waiter?.resume(throwing: CancellationError())
    }
}

// SAFETY: see the stored property.
extension Outcome: @unchecked Sendable {}
