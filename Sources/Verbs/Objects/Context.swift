internal import CVerbs
internal import Glibc

/// An open device.
///
/// What is made of it keeps it open: it closes when the last object is gone.
public struct Context: ~Copyable, Sendable {
    internal let handle: ContextHandle

    /// Opens a device. See ``Device/open()``.
    public init(_ device: Device) throws(VerbsError) {
        self.handle = try ContextHandle(device)
    }

    /// Closes the device now.
    ///
    /// - Throws: ``VerbsError/Code/busy`` while objects of it live; the device then closes with the last of them.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

// MARK: - What it is

extension Context {
    /// The device that is open.
    public var device: Device { self.handle.device }

    /// What the adapter can do. See ibv_query_device(3).
    public func attributes() throws(VerbsError) -> DeviceAttributes {
        var attributes = ibv_device_attr()
        try VerbsError.check(
            "ibv_query_device",
            unsafe self.handle.functions.queryDevice(self.handle.raw, &attributes)
        )
        return DeviceAttributes(attributes)
    }

    /// The state of a port. See ibv_query_port(3).
    ///
    /// - Parameter port: From 1 on.
    public func port(_ port: UInt8 = 1) throws(VerbsError) -> PortAttributes {
        try PortAttributes(self.handle, port: port)
    }

    /// An entry of a port's GID table. See ibv_query_gid(3).
    public func gid(port: UInt8 = 1, index: Int) throws(VerbsError) -> GID {
        try self.handle.gid(port: port, index: index)
    }

    /// The entry of a port's GID table that is used where a program does not choose: the first address of IPv4, else the first
    /// of IPv6 that is not link-local, else entry 0.
    public func usualGIDIndex(port: UInt8 = 1) throws(VerbsError) -> Int {
        try self.handle.usualGIDIndex(port: port)
    }
}

// MARK: - Events

extension Context {
    /// Readable while an asynchronous event waits. It belongs to the context; do not close it.
    public var asyncEventDescriptor: CInt { unsafe self.handle.raw.pointee.async_fd }

    /// Waits for the next asynchronous event of the device and takes it. See ibv_get_async_event(3).
    ///
    /// It blocks the thread unless ``asyncEventDescriptor`` was made non-blocking.
    public func nextAsyncEvent() throws(VerbsError) -> AsyncEvent {
        var event = unsafe ibv_async_event()
        guard unsafe self.handle.functions.getAsyncEvent(self.handle.raw, &event) == 0 else {
            throw .last("ibv_get_async_event")
        }
        defer { unsafe self.handle.functions.acknowledgeAsyncEvent(&event) }
        return unsafe AsyncEvent(event)
    }
}
