package import Segment
package import SystemIO

/// An open device, from which all other objects are made. See ibv_open_device(3).
package final class Context: Sendable {
    package let device: Device
    package let asyncEvents: AsyncEventQueue
    /// The segment of this process; all contexts share it.
    package let segment: ProcessSegment
    /// What moves packets, likewise shared.
    package let engine: Engine
    /// What other contexts may take over.
    package let domains = HandleTable<ProtectionDomain>()
    package let regions = HandleTable<MemoryRegion>()
    package let deviceMemories = HandleTable<DeviceMemory>()
    package let commandFile: CommandFile
    package let generation = ProcessGuard.generation

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
        self.commandFile = try CommandFile()
        try self.commandFile.register(self)
        engine.portWatch.add(self)
    }

    /// Closes the device. Objects that were made through it and are left go when the process ends, as rdma-core has it.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        self.engine.portWatch.remove(self)
    }
}

// MARK: - Asking

extension Context {
    package var deviceAttributes: DeviceAttributes {
        var attributes = DeviceAttributes()
        attributes.nodeGUID = self.device.nodeGUID
        attributes.systemImageGUID = self.device.nodeGUID
        // Where the address space was limited, the segment is smaller.
        attributes.memoryRegionsMax = min(Limits.memoryRegions, self.segment.layout.memoryCount)
        attributes.memoryWindowsMax = attributes.memoryRegionsMax
        attributes.deviceMemoryByteCountMax = min(Limits.deviceMemoryByteCount, self.segment.layout.byteCount / 16)
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
