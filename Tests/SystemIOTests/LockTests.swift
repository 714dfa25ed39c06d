import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("Lock")
struct LockTests {
    /// What threads share.
    private final class Shared: @unchecked Sendable {
        let lock = Lock()
        let condition = ConditionVariable()
        var count = 0
    }

    @Test func `threads that count under the lock lose nothing`() throws {
        let shared = Shared()
        let body: @Sendable () -> Void = {
            for _ in 0..<40_000 { shared.lock.withLock { shared.count += 1 } }
        }
        let first = try BackgroundThread(body)
        let second = try BackgroundThread(body)
        let third = try BackgroundThread(body)
        first.join()
        second.join()
        third.join()
        #expect(shared.count == 120_000)
    }

    @Test func `a taken lock cannot be taken again`() {
        let lock = Lock()
        let answers = [lock.tryLock(), lock.tryLock()]
        lock.unlock()
        let last = lock.tryLock()
        lock.unlock()
        #expect(answers == [true, false])
        #expect(last)
    }

    @Test func `an error leaves the lock free`() {
        let lock = Lock()
        #expect(throws: Errno.ioError) {
            try lock.withLock { () throws(Errno) in throw .ioError }
        }
        let isFree = lock.tryLock()
        #expect(isFree)
        lock.unlock()
    }

    @Test func `a forked child makes a held lock free for itself`() {
        let lock = Lock()
        lock.lock()
        let status = CFunctions.inChild {
            lock.reinitializeAfterFork()
            return lock.tryLock() ? 0 : 1
        }
        #expect(status == 0)
        let isFree = lock.tryLock()
        #expect(!isFree)
        lock.unlock()
    }

    @Test func `a sleeper wakes when the condition is told`() throws {
        let shared = Shared()
        let thread = try BackgroundThread {
            shared.lock.withLock {
                shared.count = 1
                shared.condition.broadcast()
                while shared.count == 1 { shared.condition.wait(for: shared.lock) }
                shared.count = 3
            }
        }
        shared.lock.withLock {
            while shared.count == 0 { shared.condition.wait(for: shared.lock) }
            shared.count = 2
            shared.condition.signal()
        }
        thread.join()
        #expect(shared.count == 3)
    }

    @Test func `a sleeper gives up at its deadline`() {
        let shared = Shared()
        shared.lock.lock()
        let deadline = MonotonicClock.now + 2_000_000
        while shared.condition.wait(for: shared.lock, deadlineNanoseconds: deadline) {}
        #expect(MonotonicClock.now >= deadline)
        shared.lock.unlock()
    }
}
