import Glibc
import Synchronization
import SystemIO

/// Runs a body on several threads at once.
enum Workers {
    /// Starts `count` threads, gives each its index, and returns the sum of what they returned.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Int) -> Int {
        let sum = Sum()
        var threads: [Worker] = []
        for index in 0..<count { threads.append(Worker { sum.add(body(index)) }) }
        for thread in threads { thread.join() }
        return sum.value
    }
}

private final class Sum: Sendable {
    private let storage = Atomic<Int>(0)
    func add(_ number: Int) { self.storage.wrappingAdd(number, ordering: .relaxed) }
    var value: Int { self.storage.load(ordering: .relaxed) }
}

private final class Worker {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    init(_ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run)).toOpaque()
        let result = pthread_create(
            &self.thread,
            nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            },
            body
        )
        precondition(result == 0)
    }

    func join() { pthread_join(self.thread, nil) }
}
