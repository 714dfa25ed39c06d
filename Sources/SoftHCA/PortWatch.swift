internal import SystemIO

/// Tells the open contexts when their port goes down or comes back, and when its GID table changes.
///
/// It compares what is with what the contexts were last told. Not responsible for noticing that something may have
/// changed: `refresh` is called then.
internal final class PortWatch {
    /// What a program can learn of a port by events.
    private struct Snapshot: Equatable {
        var isActive: Bool
        var gids: [GIDEntry?]

        /// - Parameter interface: As it is now, or `nil` when it is gone.
        init(_ device: Device, interface: NetworkInterface?) {
            let count = device.gidCount
            self.isActive = PortAttributes(interface: interface, gidCount: count).isActive
            self.gids = (0..<count).map { device.knownGID(at: $0) }
        }
    }

    private struct Watcher {
        weak var context: Context?
        var snapshot: Snapshot
    }

    // SAFETY: the watchers are read and written under `lock` only.
    private let lock = Lock()
    private var watchers: [Watcher] = []

    /// Tells a context of changes from now on.
    func add(_ context: Context) {
        let snapshot = Snapshot(context.device, interface: (try? context.device.interface()) ?? nil)
        self.lock.withLock { self.watchers.append(Watcher(context: context, snapshot: snapshot)) }
    }

    func remove(_ context: Context) {
        self.lock.withLock { self.watchers.removeAll { $0.context == nil || $0.context === context } }
    }

    /// Looks at the interfaces, and raises an event for each difference. Takes system calls.
    func refresh() {
        self.lock.withLock {
            for index in self.watchers.indices {
                guard let context = self.watchers[index].context else { continue }
                let now = Snapshot(context.device, interface: (try? context.device.refresh()) ?? nil)
                let before = self.watchers[index].snapshot
                self.watchers[index].snapshot = now
                if now.isActive != before.isActive {
                    context.asyncEvents.push(AsyncEvent(now.isActive ? .portActive : .portError, .port(1)))
                }
                if now.gids != before.gids { context.asyncEvents.push(AsyncEvent(.gidChange, .port(1))) }
            }
        }
    }
}

// SAFETY: see the stored properties.
extension PortWatch: @unchecked Sendable {}
