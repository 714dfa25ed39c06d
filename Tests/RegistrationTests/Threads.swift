import Glibc

/// Runs a body on several threads of its own at once.
enum Threads {
    private final class Work {
        let body: @Sendable (Int) -> Void
        let index: Int

        init(index: Int, body: @escaping @Sendable (Int) -> Void) {
            self.index = index
            self.body = body
        }
    }

    /// Starts `count` threads, gives each its index, does something meanwhile, and returns when all have ended.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void, meanwhile: () -> Void = {}) {
        var threads: [pthread_t] = []
        for index in 0..<count {
            var thread = pthread_t()
            let work = Unmanaged.passRetained(Work(index: index, body: body))
            let result = pthread_create(
                &thread,
                nil,
                { pointer in
                    guard let pointer else { return nil }
                    let work = Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
                    work.body(work.index)
                    return nil
                },
                work.toOpaque()
            )
            precondition(result == 0)
            threads.append(thread)
        }
        meanwhile()
        for thread in threads { pthread_join(thread, nil) }
    }
}
