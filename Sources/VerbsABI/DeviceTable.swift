internal import CVerbs
internal import SoftHCA
internal import SystemIO

/// The `ibv_device` structs that this process was given.
///
/// A device keeps its address as long as it is present or in use, so that programs may compare pointers; a pointer that
/// was freed too often is told apart from a device before it is looked at.
@safe
internal final class DeviceTable {
    internal static let shared = DeviceTable()

    private let lock = Lock()
    // SAFETY: each was made by `DeviceHandle.make` and lives until it is taken out of the array under the lock.
    private var handles: [UnsafeMutablePointer<DeviceHandle>] = unsafe []

    private init() {}
}

// SAFETY: the array and the counts in the handles are touched under the lock only.
extension DeviceTable: @unchecked Sendable {}

// MARK: - Lists

extension DeviceTable {
    /// A list of the devices that are there now, ended by null. Each is in use until `free` gets the list back.
    ///
    /// - Throws: `ENOMEM`, and what the enumeration of interfaces throws.
    internal func list() throws(Errno) -> (list: UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>, count: Int) {
        let devices = try Device.enumerate()
        return unsafe try self.lock.withLock { () throws(Errno) in
            try self.update(with: devices)
            let present = unsafe self.handles.filter { unsafe $0.pointee.isPresent }
            typealias Entry = UnsafeMutablePointer<ibv_device>?
            let stride = unsafe MemoryLayout<Entry>.stride
            let list = unsafe try CMemory.allocate(Entry.self, trailingByteCount: present.count * stride)
            // SAFETY: there is room for every present device and the null that `allocate` left at the end.
            for unsafe(index, handle) in unsafe present.enumerated() {
                unsafe handle.pointee.useCount += 1
                unsafe list[index] = handle.cStruct
            }
            return unsafe (list, present.count)
        }
    }

    /// Takes back a list.
    internal func free(_ list: UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>) {
        self.lock.withLock {
            // SAFETY: `list` made it, and ended it with null.
            var entry = unsafe list
            while let device = unsafe entry.pointee {
                if let handle = unsafe self.find(device) { unsafe handle.pointee.useCount -= 1 }
                unsafe entry += 1
            }
        }
        unsafe CMemory.free(list)
    }

    /// Brings the handles in step with the devices that are there, in their order.
    private func update(with devices: [Device]) throws(Errno) {
        unsafe self.handles.forEach { handle in unsafe handle.pointee.isPresent = false }
        var ordered: [UnsafeMutablePointer<DeviceHandle>] = unsafe []
        for device in devices {
            let known = unsafe self.handles.first { handle in unsafe handle.device === device }
            let handle: UnsafeMutablePointer<DeviceHandle>
            if let known = unsafe known { unsafe handle = known } else { unsafe handle = try DeviceHandle.make(device) }
            unsafe handle.pointee.isPresent = true
            unsafe ordered.append(handle)
        }
        unsafe self.handles.forEach { handle in
            guard unsafe !handle.pointee.isPresent else { return }
            if unsafe handle.pointee.useCount > 0 {
                unsafe ordered.append(handle)
            } else {
                unsafe handle.pointee.object?.release()
                unsafe CMemory.free(handle)
            }
        }
        unsafe self.handles = ordered
    }

    private func find(_ device: UnsafeMutablePointer<ibv_device>) -> UnsafeMutablePointer<DeviceHandle>? {
        unsafe self.handles.first { unsafe $0.cStruct == device }
    }
}

// MARK: - Use

extension DeviceTable {
    /// The adapter's device, which is in use until `release`.
    ///
    /// - Throws: `ENODEV` when the pointer is none of a device that is there.
    internal func retain(_ device: UnsafeMutablePointer<ibv_device>) throws(Errno) -> Device {
        try self.lock.withLock { () throws(Errno) in
            guard let handle = unsafe self.find(device) else { throw .noSuchDevice }
            unsafe handle.pointee.useCount += 1
            return unsafe handle.device
        }
    }

    /// The pointer by which C knows an open device, which is in use until `release`.
    ///
    /// - Throws: `ENODEV` when it is not open.
    internal func retain(_ device: Device) throws(Errno) -> UnsafeMutablePointer<ibv_device> {
        unsafe try self.lock.withLock { () throws(Errno) in
            let known = unsafe self.handles.first { handle in unsafe handle.device === device }
            guard let handle = unsafe known else { throw .noSuchDevice }
            unsafe handle.pointee.useCount += 1
            return unsafe handle.cStruct
        }
    }

    /// The use that `retain` began is over.
    internal func release(_ device: UnsafeMutablePointer<ibv_device>) {
        self.lock.withLock {
            if let handle = unsafe self.find(device) { unsafe handle.pointee.useCount -= 1 }
        }
    }

    /// The adapter's device behind a pointer, or `nil` when it is none.
    internal func device(_ device: UnsafeMutablePointer<ibv_device>) -> Device? {
        self.lock.withLock { unsafe self.find(device)?.device }
    }
}

extension UnsafeMutablePointer where Pointee == DeviceHandle {
    // SAFETY: the handle is live, see `DeviceTable.handles`; its struct lies at its beginning.
    fileprivate var cStruct: UnsafeMutablePointer<ibv_device> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: ibv_device.self)
    }

    fileprivate var device: Device {
        unsafe self.pointee.object.unsafelyUnwrapped.takeUnretainedValue()
    }
}
