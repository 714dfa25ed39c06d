import Glibc

/// Real threads for tests of locks and rings; tasks could all run on one.
package enum Threads {
    /// Runs `body` on `count` threads at once, with the thread's number, and returns what each returned.
    package static func run<Value: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) -> Value
    ) -> [Value] {
        let jobs = (0..<count).map { index in Job { body(index) } }
        let threads = jobs.map { job in
            var thread = pthread_t()
            let result = pthread_create(
                &thread,
                nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<AnyJob>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                },
                Unmanaged<AnyJob>.passRetained(job).toOpaque()
            )
            precondition(result == 0, "no thread to be had")
            return thread
        }
        for thread in threads { pthread_join(thread, nil) }
        return jobs.compactMap(\.result)
    }
}

private class AnyJob {
    func run() {}
}

/// Written by one thread, read after it has been joined.
private final class Job<Value>: AnyJob {
    private let body: () -> Value
    private(set) var result: Value?

    init(_ body: @escaping () -> Value) {
        self.body = body
    }

    override func run() {
        self.result = self.body()
    }
}
