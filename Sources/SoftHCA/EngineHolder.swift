internal import HostRegistry
package import Segment
package import SystemIO

/// The one engine of this process, started when the first device is opened and kept until the process ends.
package final class EngineHolder {
    private static let shared = EngineHolder()

    // SAFETY: everything below is read and written under `lock` only, or in a child that has one thread.
    private let lock = Lock()
    private var engine: Engine?
    private var hasRegistered = false

    private init() {}

    /// The engine, started now if there is none.
    ///
    /// - Throws: What `Engine.init` throws.
    package static func start(segment: ProcessSegment) throws(Errno) -> Engine {
        try self.shared.start(segment: segment)
    }

    private func start(segment: ProcessSegment) throws(Errno) -> Engine {
        self.lock.lock()
        defer { self.lock.unlock() }
        if let engine { return engine }
        if !self.hasRegistered {
            // First, so that a fork takes this lock before the registry's, as `Engine.init` does.
            try HostRegistry.registerForkHandlers()
            try AtFork.register(
                prepare: { EngineHolder.shared.lock.lock() },
                parent: { EngineHolder.shared.lock.unlock() },
                child: { EngineHolder.shared.enterChild() }
            )
            ProcessExit.register { EngineHolder.shared.leave() }
            self.hasRegistered = true
        }
        let made = try Engine(segment: segment)
        self.engine = made
        return made
    }

    /// The process ends: the others need not find out by themselves.
    private func leave() {
        // Somebody may be starting the engine in another thread while this one ends the process; then the kernel tidies.
        guard self.lock.tryLock() else { return }
        self.engine?.leave()
        self.lock.unlock()
    }

    /// The child has neither the thread nor the segment. It must not destroy the engine, and not keep its descriptors.
    private func enterChild() {
        self.lock.reinitializeAfterFork()
        guard let engine else { return }
        _ = unsafe Unmanaged.passRetained(engine)
        engine.abandonInForkedChild()
        self.engine = nil
    }
}

// SAFETY: see the stored properties.
extension EngineHolder: @unchecked Sendable {}
