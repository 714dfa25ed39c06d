public import CVerbs
internal import Glibc
internal import SystemIO

// What drivers of libibverbs (libmlx5, libefa …) call besides the commands. Programs link to those drivers' libraries
// for their direct interfaces, so the symbols must be there; the drivers themselves find no device on this library.
//
// Exports that look at none of their arguments take none; see DriverCommands.swift.

/// Registers a driver. Called by each driver when it is loaded; there is no kernel device that it could serve.
@c(verbs_register_driver_34)
public func registerDriver() {}

/// Registers a driver, as it was done before rdma-core 17.
@c(ibv_register_driver)
public func registerOldDriver() {}

/// Opens a device with a driver's private data.
@c(verbs_open_device)
public func openDeviceForDriver(
    _ device: UnsafeMutablePointer<ibv_device>?,
    _ privateData: UnsafeMutableRawPointer?
) -> UnsafeMutablePointer<ibv_context>? {
    unsafe privateData == nil ? ibv_open_device(device) : returningNotSupported()
}

/// Makes a driver's context.
@c(_verbs_init_and_alloc_context)
public func makeDriverContext() -> UnsafeMutableRawPointer? {
    unsafe UnsafeMutableRawPointer(returningNotSupported(ibv_context.self))
}

/// Undoes `_verbs_init_and_alloc_context`, which never succeeds.
@c(verbs_uninit_context)
public func clearDriverContext() {}

/// Overrides verbs with a driver's. A context of this library keeps its own.
@c(verbs_set_ops)
public func overrideVerbs() {}

/// Fills the fields of a completion queue that belong to the library.
@c(verbs_init_cq)
public func initializeCompletionQueue(
    _ queue: UnsafeMutablePointer<ibv_cq>?,
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ channel: UnsafeMutablePointer<ibv_comp_channel>?,
    _ userContext: UnsafeMutableRawPointer?
) {
    guard let queue = unsafe queue, let context = unsafe context else { return }
    unsafe queue.initializeShared(context: context, channel: channel, userContext: userContext)
}

/// Writes a line to the log of a driver. There is none.
@c(__verbs_log)
public func logForDriver() {}

/// Executes an ioctl on the uverbs device.
@c(execute_ioctl)
public func executeIoctl() -> CInt { Errno.notSupported.rawValue }

/// How many attributes a chain of command buffers needs in all; without one to add, the buffer's own.
@c(__ioctl_final_num_attrs)
public func finalAttributeCount(_ count: CUnsignedInt, _ link: UnsafeMutableRawPointer?) -> CUnsignedInt { count }

// MARK: - sysfs

// There is no sysfs directory of the device, and no user could make one. Callers have an answer for a missing file.

/// Where sysfs is mounted.
@c(ibv_get_sysfs_path)
public func sysfsPath() -> UnsafePointer<CChar>? {
    let path: StaticString = "/sys"
    // SAFETY: the literal lies in read-only data for ever and ends with a zero byte.
    return unsafe UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// Reads a file of sysfs: -1 and `ENOENT`.
@c(ibv_read_sysfs_file)
public func readSysfsFile() -> CInt {
    errno = ENOENT
    return -1
}

/// Reads a file of a device's directory in sysfs: -1 and `ENOENT`.
@c(ibv_read_ibdev_sysfs_file)
public func readDeviceSysfsFile() -> CInt {
    errno = ENOENT
    return -1
}
