package import Segment
package import SystemIO

/// The one segment of this process, made when the first device is opened and kept until the process ends.
package final class LocalSegment {
    private static let shared = LocalSegment()

    // SAFETY: everything below is read and written under `lock` only, or in a child that has one thread.
    private let lock = Lock()
    private var segment: ProcessSegment?
    private var generation: UInt32 = 0
    private var hasRegistered = false

    private init() {}

    /// The segment, made now if there is none.
    ///
    /// - Throws: `ENOMEM`, `EMFILE`.
    package static func open() throws(Errno) -> ProcessSegment {
        try self.shared.open()
    }

    private func open() throws(Errno) -> ProcessSegment {
        self.lock.lock()
        defer { self.lock.unlock() }
        if let segment, ProcessGuard.isOwn(self.generation) { return segment }
        if !self.hasRegistered {
            try AtFork.register(
                prepare: { LocalSegment.shared.lock.lock() },
                parent: { LocalSegment.shared.lock.unlock() },
                child: { LocalSegment.shared.enterChild() }
            )
            self.hasRegistered = true
        }
        let made = try ProcessSegment()
        self.segment = made
        self.generation = ProcessGuard.generation
        return made
    }

    private func enterChild() {
        ProcessGuard.enterChild()
        self.lock.reinitializeAfterFork()
        guard let segment else { return }
        // The mapping did not come along, and something else may lie there by the time the last reference goes: the
        // object must never be destroyed here, so one reference is given away.
        _ = unsafe Unmanaged.passRetained(segment)
        segment.mapping.descriptor.close()
        self.segment = nil
    }
}

// SAFETY: see the stored properties.
extension LocalSegment: @unchecked Sendable {}
