public import CVerbs
internal import Glibc
internal import Segment
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): regions and domains are pointers that this library returned and did not free, as the manual
// demands of the caller. The memory to register is a range of numbers here; the adapter checks it.

/// Registers memory under its own address. See ibv_reg_mr(3).
@c @implementation
public func ibv_reg_mr(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ address: UnsafeMutableRawPointer?,
    _ byteCount: Int,
    _ access: CInt
) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe ibv_reg_mr_iova2(
        domain,
        address,
        byteCount,
        UInt64(UInt(bitPattern: address)),
        CUnsignedInt(bitPattern: access)
    )
}

/// Registers memory under another address. See ibv_reg_mr(3).
@c @implementation
public func ibv_reg_mr_iova(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ address: UnsafeMutableRawPointer?,
    _ byteCount: Int,
    _ iova: UInt64,
    _ access: CInt
) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe ibv_reg_mr_iova2(domain, address, byteCount, iova, CUnsignedInt(bitPattern: access))
}

/// Registers memory; the access flags may name optional ones. See ibv_reg_mr(3).
@c @implementation
public func ibv_reg_mr_iova2(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ address: UnsafeMutableRawPointer?,
    _ byteCount: Int,
    _ iova: UInt64,
    _ access: CUnsignedInt
) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let region = try MemoryRegion(
            domain: unsafe domain.adapter,
            address: UInt64(UInt(bitPattern: address)),
            // The C type is `size_t`, which Swift shows as `Int`.
            byteCount: UInt64(UInt(bitPattern: byteCount)),
            iova: iova,
            access: AccessFlags(rawValue: access)
        )
        let handle: UnsafeMutablePointer<MemoryRegionHandle>
        do throws(Errno) {
            unsafe handle = unsafe try MemoryRegionHandle.make(region)
        } catch {
            try? region.close()
            throw error
        }
        unsafe handle.pointee.base.context = domain.pointee.context
        unsafe handle.pointee.base.pd = domain
        unsafe handle.pointee.base.addr = address
        unsafe handle.pointee.base.length = byteCount
        unsafe handle.pointee.base.setKeys(region)
        return unsafe handle.base()
    }
}

/// Registers memory of another device, named by a descriptor. See ibv_reg_mr(3).
@c @implementation
public func ibv_reg_dmabuf_mr(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ offset: UInt64,
    _ byteCount: Int,
    _ iova: UInt64,
    _ descriptor: CInt,
    _ access: CInt
) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe returningNotSupported()
}

/// Changes a region: 0, or a code of `ibv_rereg_mr_err_code` with `errno`. See ibv_rereg_mr(3).
@c @implementation
public func ibv_rereg_mr(
    _ region: UnsafeMutablePointer<ibv_mr>?,
    _ flags: CInt,
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ address: UnsafeMutableRawPointer?,
    _ byteCount: Int,
    _ access: CInt
) -> CInt {
    do throws(Errno) {
        let region = unsafe try region.orInvalid()
        let flags = CUnsignedInt(bitPattern: flags)
        guard access == 0 || flags & IBV_REREG_MR_CHANGE_ACCESS.rawValue != 0 else { throw .invalidArgument }
        let adapter: MemoryRegion = unsafe region.object().takeUnretainedValue()
        try adapter.reregister(
            MemoryRegion.Changes(rawValue: flags),
            // Programs leave what does not count unset.
            domain: flags & IBV_REREG_MR_CHANGE_PD.rawValue != 0 ? unsafe domain?.adapter : nil,
            address: UInt64(UInt(bitPattern: address)),
            byteCount: UInt64(UInt(bitPattern: byteCount)),
            access: AccessFlags(rawValue: CUnsignedInt(bitPattern: access))
        )
        if flags & IBV_REREG_MR_CHANGE_PD.rawValue != 0 { unsafe region.pointee.pd = domain }
        if flags & IBV_REREG_MR_CHANGE_TRANSLATION.rawValue != 0 {
            unsafe region.pointee.addr = address
            unsafe region.pointee.length = byteCount
        }
        unsafe region.pointee.setKeys(adapter)
        return 0
    } catch {
        // The adapter changes all or nothing: the old region is always as it was.
        errno = error.rawValue
        return IBV_REREG_MR_ERR_INPUT.rawValue
    }
}

/// Ends a registration. See ibv_reg_mr(3).
@c @implementation
public func ibv_dereg_mr(_ region: UnsafeMutablePointer<ibv_mr>?) -> CInt {
    returningErrno { () throws(Errno) in
        let region = unsafe try region.orInvalid()
        let adapter: MemoryRegion = unsafe region.object().takeUnretainedValue()
        try adapter.close()
        unsafe region.destroy(MemoryRegion.self)
    }
}

extension ibv_mr {
    fileprivate mutating func setKeys(_ region: MemoryRegion) {
        unsafe self.lkey = region.lKey
        unsafe self.rkey = region.rKey
        unsafe self.handle = region.lKey
    }
}

// MARK: - Not built

/// Takes over a region of another process. See ibv_import_mr(3).
@c @implementation
public func ibv_import_mr(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ handle: UInt32
) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe returningNotSupported()
}

/// Gives back a region of another process; there is none. See ibv_import_mr(3).
@c @implementation
public func ibv_unimport_mr(_ region: UnsafeMutablePointer<ibv_mr>?) {}

/// Takes over device memory of another process. See ibv_import_dm(3).
@c @implementation
public func ibv_import_dm(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ handle: UInt32
) -> UnsafeMutablePointer<ibv_dm>? {
    unsafe returningNotSupported()
}

/// Gives back device memory of another process; there is none. See ibv_import_dm(3).
@c @implementation
public func ibv_unimport_dm(_ memory: UnsafeMutablePointer<ibv_dm>?) {}
