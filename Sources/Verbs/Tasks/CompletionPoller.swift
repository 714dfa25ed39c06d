internal import Glibc
internal import SystemIO

/// Waits for descriptors on behalf of all tasks of the process, in one thread that starts with the first.
@safe
internal final class CompletionPoller {
    /// What is called when a descriptor is readable: again and again, until it returns false.
    typealias Handler = @Sendable () -> Bool

    private struct Entry {
        let descriptor: CInt
        let executor: (any CompletionExecutor)?
        let handler: Handler
    }

    private let poller: Poller
    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var entries: [UInt64: Entry] = [:]
    private var lastToken: UInt64 = 0

    private init() throws(VerbsError) {
        do throws(Errno) {
            self.poller = try Poller()
        } catch {
            throw VerbsError(error, operation: "epoll_create1")
        }
    }
}

// SAFETY: see the stored properties.
extension CompletionPoller: @unchecked Sendable {}

// MARK: - The one of the process

extension CompletionPoller {
    private static let shared = Holder()

    @safe
    fileprivate final class Holder {
        private let lock = Lock()
        // SAFETY: read and written under the lock only; a forked child finds the number of its parent and touches nothing.
        private var poller: CompletionPoller?
        private var pid: pid_t = 0

        func started() throws(VerbsError) -> CompletionPoller {
            guard self.pid == 0 || self.pid == getpid() else { throw .forked("epoll_wait") }
            return try self.lock.withLock { () throws(VerbsError) in
                if let poller { return poller }
                let made = try CompletionPoller()
                try made.start()
                self.poller = made
                self.pid = getpid()
                return made
            }
        }
    }

    /// Watches a descriptor.
    ///
    /// - Parameters:
    ///   - executor: Where the handler runs; nil for the poller's own thread.
    ///   - handler: Reads until there is nothing more.
    /// - Throws: ``VerbsError/Code/forkedChild`` in a child of a process that watched; what the system lacks.
    static func watch(
        _ descriptor: CInt,
        on executor: (any CompletionExecutor)?,
        _ handler: @escaping Handler
    ) throws(VerbsError) -> Watch {
        let poller = try self.shared.started()
        return Watch(
            poller: poller,
            token: try poller.add(Entry(descriptor: descriptor, executor: executor, handler: handler))
        )
    }

    /// Ends with `cancel`; the handler may be running then for the last time.
    struct Watch: Sendable {
        fileprivate let poller: CompletionPoller
        fileprivate let token: UInt64

        func cancel() { self.poller.remove(self.token) }
    }
}

// SAFETY: see the stored properties.
extension CompletionPoller.Holder: @unchecked Sendable {}

// MARK: - Watching

extension CompletionPoller {
    private func add(_ entry: Entry) throws(VerbsError) -> UInt64 {
        try self.lock.withLock { () throws(VerbsError) in
            self.lastToken += 1
            do throws(Errno) {
                try self.poller.add(entry.descriptor, token: self.lastToken)
            } catch {
                throw VerbsError(error, operation: "epoll_ctl", detail: "descriptor \(entry.descriptor)")
            }
            self.entries[self.lastToken] = entry
            return self.lastToken
        }
    }

    private func remove(_ token: UInt64) {
        // What the handler holds may go with it, and must not go under the lock.
        let entry = self.lock.withLock {
            let entry = self.entries.removeValue(forKey: token)
            if let entry { try? self.poller.remove(entry.descriptor) }
            return entry
        }
        _ = consume entry
    }

    private func start() throws(VerbsError) {
        do throws(Errno) {
            try BackgroundThread(name: "verbs-poller") { self.run() }.detach()
        } catch {
            throw VerbsError(error, operation: "pthread_create")
        }
    }

    private func run() {
        while true {
            do throws(Errno) {
                try self.poller.wait(timeoutNanoseconds: nil) { self.report($0) }
            } catch {
                // The descriptor of the poller is gone: the program closed what is not its own.
                Diagnostics.warn("waiting for completions failed: \(error.message)")
                return
            }
        }
    }

    private func report(_ token: UInt64) {
        guard let entry = self.lock.withLock({ self.entries[token] }) else { return }
        guard let executor = entry.executor else { return self.handle(entry, token) }
        executor.run { self.handle(entry, token) }
    }

    private func handle(_ entry: Entry, _ token: UInt64) {
        guard entry.handler() else { return }
        self.lock.withLock {
            // Cancelled meanwhile, the number may name another file.
            guard self.entries[token] != nil else { return }
            try? self.poller.arm(entry.descriptor, token: token)
        }
    }
}
