import SystemIO

/// The memberships of this process, so that a forked child can let go of them.
@safe
internal final class LiveMemberships {
    static let shared = LiveMemberships()

    private let lock = Lock()
    private let joining = Lock()
    // SAFETY: a membership takes itself off the list before it is destroyed, under the lock.
    private var memberships: [Unmanaged<Membership>] = unsafe []
    private var isRegistered = false

    private init() {}

    /// Runs `body` while no other thread of the process joins.
    func whileJoining<Result>(_ body: () throws(RegistryError) -> Result) throws(RegistryError) -> Result {
        try self.joining.withLock(body)
    }

    /// Whether the process takes part in the registry in `directory`.
    func contains(_ directory: RegistryDirectory) -> Bool {
        self.lock.withLock {
            unsafe self.memberships.contains { unsafe $0._withUnsafeGuaranteedRef { $0.directory == directory } }
        }
    }

    func add(_ membership: Membership) throws(Errno) {
        try self.registerForkHandlers()
        self.lock.withLock {
            unsafe self.memberships.append(.passUnretained(membership))
        }
    }

    func registerForkHandlers() throws(Errno) {
        try self.lock.withLock { () throws(Errno) in
            guard !self.isRegistered else { return }
            try AtFork.register(
                prepare: { LiveMemberships.shared.lock.lock() },
                parent: { LiveMemberships.shared.lock.unlock() },
                child: { LiveMemberships.shared.abandonAll() }
            )
            self.isRegistered = true
        }
    }

    func remove(_ membership: Membership) {
        self.lock.withLock {
            unsafe self.memberships.removeAll {
                unsafe $0.toOpaque() == Unmanaged.passUnretained(membership).toOpaque()
            }
        }
    }

    /// Runs in a forked child, where no other thread is.
    private func abandonAll() {
        self.lock.reinitializeAfterFork()
        self.joining.reinitializeAfterFork()
        for index in 0..<(unsafe self.memberships.count) {
            unsafe self.memberships[index]._withUnsafeGuaranteedRef { $0.abandonInForkedChild() }
        }
        // The child takes part in nothing now, and may join by itself.
        unsafe self.memberships.removeAll(keepingCapacity: true)
    }
}

// SAFETY: the list is guarded by the lock, also around a fork.
extension LiveMemberships: @unchecked Sendable {}
