internal import CVerbs

/// An adapter that can be opened. A value; it does not keep the adapter open.
public struct Device: Sendable {
    private let list: DeviceList
    private let index: Int

    internal init(_ list: DeviceList, index: Int) {
        self.list = list
        self.index = index
    }

    internal var library: VerbsLibrary { self.list.library }
    internal var raw: UnsafeMutablePointer<ibv_device>? { unsafe self.list[self.index] }
}

extension Device {
    /// Such as `verbena0` or `mlx5_0`.
    public var name: String {
        guard let name = unsafe self.library.functions.getDeviceName(self.raw) else { return "" }
        return unsafe String(cString: name)
    }

    /// The node's globally unique identifier, in the host's byte order; 0 when unknown.
    public var guid: UInt64 {
        unsafe UInt64(bigEndian: self.library.functions.getDeviceGUID(self.raw))
    }

    /// Opens the device.
    ///
    /// - Throws: ``VerbsError/Code/noDevice`` when it is gone, ``VerbsError/Code/permissionDenied`` when this process may
    ///   not use it, or what the system lacks.
    public func open() throws(VerbsError) -> Context {
        try Context(self)
    }
}

extension Device: CustomStringConvertible {
    public var description: String { self.name }
}
