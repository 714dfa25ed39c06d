internal import CVerbs
internal import SoftHCA
internal import SystemIO

/// The memory behind `ibv_device`: what programs see, room that drivers' libraries look into, and the adapter's device.
///
/// libmlx5 and others take any device for one of their own and read what would lie behind it there. Zeros tell them that
/// it is not.
@unsafe
internal struct DeviceHandle {
    internal var base: ibv_device
    internal var roomForDrivers: InlineArray<32, UInt64>
    // SAFETY: retained by `make`, released when the table drops the device.
    internal var object: Unmanaged<Device>?
    /// Lists and contexts that refer to the device.
    internal var useCount: Int
    /// The device was there when the adapter was asked last.
    internal var isPresent: Bool

    /// - Throws: `ENOMEM`.
    internal static func make(_ device: Device) throws(Errno) -> UnsafeMutablePointer<DeviceHandle> {
        let handle = unsafe try CMemory.allocate(DeviceHandle.self)
        unsafe handle.pointee.object = .passRetained(device)
        var base = ibv_device()
        base.node_type = IBV_NODE_CA
        base.transport_type = IBV_TRANSPORT_IB
        CMemory.write(device.name, into: &base.name)
        CMemory.write("uverbs\(device.index)", into: &base.dev_name)
        // Where the kernel would show the device. Nothing is there: no user can make a directory in sysfs.
        CMemory.write("/sys/class/infiniband_verbs/uverbs\(device.index)", into: &base.dev_path)
        CMemory.write("/sys/class/infiniband/\(device.name)", into: &base.ibdev_path)
        unsafe handle.pointee.base = base
        return unsafe handle
    }
}
