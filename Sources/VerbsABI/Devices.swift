public import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): devices and contexts are pointers that this library returned, as the manual demands of the caller;
// out parameters are null or point to room for one value.

/// The devices that are there, ended by null. See ibv_get_device_list(3).
@c @implementation
public func ibv_get_device_list(
    _ count: UnsafeMutablePointer<CInt>?
) -> UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>? {
    unsafe count?.pointee = 0
    return unsafe returningPointer { () throws(Errno) in
        let devices = unsafe try DeviceTable.shared.list()
        unsafe count?.pointee = CInt(clamping: devices.count)
        return unsafe devices.list
    }
}

/// Frees a list. Devices that are open stay. See ibv_get_device_list(3).
@c @implementation
public func ibv_free_device_list(_ list: UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>?) {
    guard let list = unsafe list else { return }
    unsafe DeviceTable.shared.free(list)
}

/// The device's name, such as `verbena0`. See ibv_get_device_name(3).
@c @implementation
public func ibv_get_device_name(_ device: UnsafeMutablePointer<ibv_device>?) -> UnsafePointer<CChar>? {
    guard let device = unsafe device else { return nil }
    let offset = MemoryLayout<ibv_device>.offset(of: \.name) ?? 0
    return unsafe UnsafeRawPointer(device).advanced(by: offset).assumingMemoryBound(to: CChar.self)
}

/// The node GUID in network byte order; 0 when the pointer is no device. See ibv_get_device_guid(3).
@c @implementation
public func ibv_get_device_guid(_ device: UnsafeMutablePointer<ibv_device>?) -> UInt64 {
    guard let device = unsafe device else { return 0 }
    return unsafe DeviceTable.shared.device(device)?.nodeGUID.bigEndian ?? 0
}

/// The device's index; -1 when the pointer is no device. See ibv_get_device_index(3).
@c @implementation
public func ibv_get_device_index(_ device: UnsafeMutablePointer<ibv_device>?) -> CInt {
    guard let device = unsafe device, let object = unsafe DeviceTable.shared.device(device) else { return -1 }
    return CInt(clamping: object.index)
}

/// Opens a device: null and `errno` when it is gone, or the process may not use it. See ibv_open_device(3).
@c @implementation
public func ibv_open_device(_ device: UnsafeMutablePointer<ibv_device>?) -> UnsafeMutablePointer<ibv_context>? {
    unsafe returningPointer { () throws(Errno) in
        let device = unsafe try device.orInvalid()
        let object = unsafe try DeviceTable.shared.retain(device)
        do throws(Errno) {
            return unsafe try ContextHandle.open(object, as: device)
        } catch {
            unsafe DeviceTable.shared.release(device)
            throw error
        }
    }
}

/// Closes a device. See ibv_open_device(3).
@c @implementation
public func ibv_close_device(_ context: UnsafeMutablePointer<ibv_context>?) -> CInt {
    returningErrno { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        guard let device = unsafe context.pointee.device else { throw .invalidArgument }
        unsafe try ContextHandle.close(context)
        unsafe DeviceTable.shared.release(device)
    }
}

/// Opens a device as another context of this process did, whose `cmd_fd` was duplicated; the duplicate is the new
/// context's. See ibv_import_device(3).
///
/// A context of another process cannot be taken over, for its memory is not here: `EOPNOTSUPP`.
@c @implementation
public func ibv_import_device(_ descriptor: CInt) -> UnsafeMutablePointer<ibv_context>? {
    unsafe returningPointer { () throws(Errno) in
        let object = try CommandFile.context(ofDescriptor: descriptor)
        let device = unsafe try DeviceTable.shared.retain(object.device)
        do throws(Errno) {
            return unsafe try ContextHandle.expose(object, as: device, importedDescriptor: descriptor)
        } catch {
            unsafe DeviceTable.shared.release(device)
            throw error
        }
    }
}
