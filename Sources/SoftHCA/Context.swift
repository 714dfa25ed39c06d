package import Segment
package import SystemIO

/// An open device, from which all other objects are made. See ibv_open_device(3).
@safe
package final class Context {
    package let device: Device
    package let asyncEvents: AsyncEventQueue
    /// The segment of this process; all contexts share it.
    package let segment: ProcessSegment
    /// What moves packets, likewise shared.
    package let engine: Engine
    package let generation = ProcessGuard.generation
    /// The structure by which C knows this object.
    // SAFETY: set once by the C face, before the object is shared.
    package var userObject: UnsafeMutableRawPointer?

    /// Opens the device.
    ///
    /// - Throws: `ENOMEM`, `EMFILE`; what the engine meets when it starts: `EADDRINUSE` when another owns the port.
    package convenience init(device: Device) throws(Errno) {
        let segment = try LocalSegment.open()
        try self.init(device: device, segment: segment, engine: try EngineHolder.start(segment: segment))
    }

    internal init(device: Device, segment: ProcessSegment, engine: Engine) throws(Errno) {
        self.device = device
        self.asyncEvents = try AsyncEventQueue()
        self.segment = segment
        self.engine = engine
        engine.portWatch.add(self)
    }

    /// Closes the device. Objects that were made through it and are left go when the process ends, as rdma-core has it.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        self.engine.portWatch.remove(self)
    }
}

// SAFETY: see `userObject`; the rest does not change.
extension Context: @unchecked Sendable {}

// MARK: - Asking

extension Context {
    package var deviceAttributes: DeviceAttributes {
        var attributes = DeviceAttributes()
        attributes.nodeGUID = self.device.nodeGUID
        attributes.systemImageGUID = self.device.nodeGUID
        // Where the address space was limited, the segment is smaller.
        attributes.memoryRegionsMax = min(Limits.memoryRegions, self.segment.layout.memoryCount)
        attributes.completionQueuesMax = min(Limits.completionQueues, self.segment.layout.completionCount)
        return attributes
    }

    /// The state of the port as it is now.
    package func portAttributes() -> PortAttributes {
        let interface = (try? self.device.refresh()) ?? nil
        return PortAttributes(interface: interface, gidCount: self.device.gidCount)
    }

    package func gid(at index: Int) -> GIDEntry? { self.device.gid(at: index) }
    package var gidCount: Int { self.device.gidCount }
}
