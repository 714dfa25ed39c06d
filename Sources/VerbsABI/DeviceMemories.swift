public import CVerbs
internal import Segment
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): contexts, domains and device memories are pointers that this library returned and did not free;
// buffers are as long as the length beside them says, as the manual demands of the caller.

/// Allocates device memory, all zeros. See ibv_alloc_dm(3).
internal func allocateDeviceMemory(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_alloc_dm_attr>?
) -> UnsafeMutablePointer<ibv_dm>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let wanted = unsafe try attributes.orInvalid().pointee
        guard wanted.comp_mask == 0 else { throw .invalidArgument }
        let memory = try DeviceMemory(
            context: unsafe context.adapter,
            byteCount: UInt64(UInt(bitPattern: wanted.length)),
            alignmentShift: wanted.log_align_req
        )
        do throws(Errno) {
            return unsafe try makeHandle(memory, context)
        } catch {
            try? memory.close()
            throw error
        }
    }
}

private func makeHandle(
    _ memory: DeviceMemory,
    _ context: UnsafeMutablePointer<ibv_context>
) throws(Errno) -> UnsafeMutablePointer<ibv_dm> {
    let handle = unsafe try DeviceMemoryHandle.make(memory)
    unsafe handle.pointee.base.context = context
    unsafe handle.pointee.base.handle = memory.handle
    unsafe handle.pointee.base.comp_mask = IBV_DM_MASK_HANDLE.rawValue
    unsafe handle.pointee.base.memcpy_to_dm = copyToDeviceMemory
    unsafe handle.pointee.base.memcpy_from_dm = copyFromDeviceMemory
    return unsafe handle.base()
}

/// Frees device memory; `EBUSY` while a region is in it. See ibv_alloc_dm(3).
internal func freeDeviceMemory(_ memory: UnsafeMutablePointer<ibv_dm>?) -> CInt {
    returningErrno { () throws(Errno) in
        let memory = unsafe try memory.orInvalid()
        try unsafe memory.adapter.close()
        unsafe memory.destroy(DeviceMemory.self)
    }
}

private func copyToDeviceMemory(
    _ memory: UnsafeMutablePointer<ibv_dm>?,
    _ offset: UInt64,
    _ source: UnsafeRawPointer?,
    _ byteCount: Int
) -> CInt {
    returningErrno { () throws(Errno) in
        let adapter = unsafe try memory.orInvalid().adapter
        let count = UInt64(UInt(bitPattern: byteCount))
        let target = unsafe try adapter.bytes(byteOffset: offset, byteCount: count)
        guard unsafe source != nil || byteCount == 0 else { throw .invalidArgument }
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: source, count: byteCount))
    }
}

private func copyFromDeviceMemory(
    _ target: UnsafeMutableRawPointer?,
    _ memory: UnsafeMutablePointer<ibv_dm>?,
    _ offset: UInt64,
    _ byteCount: Int
) -> CInt {
    returningErrno { () throws(Errno) in
        let adapter = unsafe try memory.orInvalid().adapter
        let count = UInt64(UInt(bitPattern: byteCount))
        let source = unsafe try adapter.bytes(byteOffset: offset, byteCount: count)
        guard unsafe target != nil || byteCount == 0 else { throw .invalidArgument }
        unsafe UnsafeMutableRawBufferPointer(start: target, count: byteCount)
            .copyMemory(from: UnsafeRawBufferPointer(source))
    }
}

/// Registers a part of device memory. See ibv_alloc_dm(3).
internal func registerDeviceMemory(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ memory: UnsafeMutablePointer<ibv_dm>?,
    _ offset: UInt64,
    _ byteCount: Int,
    _ access: CUnsignedInt
) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let region = try MemoryRegion(
            domain: unsafe domain.adapter,
            deviceMemory: unsafe try memory.orInvalid().adapter,
            byteOffset: offset,
            byteCount: UInt64(UInt(bitPattern: byteCount)),
            access: AccessFlags(rawValue: access)
        )
        return unsafe try MemoryRegionHandle.make(region, in: domain, address: nil)
    }
}

/// Takes over device memory of another context of this process. See ibv_import_dm(3).
@c @implementation
public func ibv_import_dm(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ handle: UInt32
) -> UnsafeMutablePointer<ibv_dm>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        guard let memory = unsafe context.adapter.deviceMemories.object(handle: handle) else { throw .noSuchFile }
        return unsafe try makeHandle(memory, context)
    }
}

/// Lets go of what was taken over; the memory stays. See ibv_import_dm(3).
@c @implementation
public func ibv_unimport_dm(_ memory: UnsafeMutablePointer<ibv_dm>?) {
    unsafe memory?.destroy(DeviceMemory.self)
}

extension UnsafeMutablePointer where Pointee == ibv_dm {
    // SAFETY: see the head of the file.
    fileprivate var adapter: DeviceMemory { unsafe self.object().takeUnretainedValue() }
}
