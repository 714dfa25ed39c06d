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
        return unsafe try MemoryRegionHandle.make(region, in: domain, address: address)
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
    do throws(MemoryRegion.ChangeFailure) {
        let flags = CUnsignedInt(bitPattern: flags)
        guard let region = unsafe region, access == 0 || flags & IBV_REREG_MR_CHANGE_ACCESS.rawValue != 0 else {
            errno = EINVAL
            return IBV_REREG_MR_ERR_INPUT.rawValue
        }
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
        // All or nothing: of the codes, those that say that the old region is valid. Taking marks away from the old range
        // cannot fail.
        errno = error.errno.rawValue
        return error.isAboutPages ? IBV_REREG_MR_ERR_DONT_FORK_NEW.rawValue : IBV_REREG_MR_ERR_INPUT.rawValue
    }
}

/// Ends a registration; `EINVAL` for one that has ended, as long as `RetiredHandles` remembers it. See ibv_reg_mr(3).
@c @implementation
public func ibv_dereg_mr(_ region: UnsafeMutablePointer<ibv_mr>?) -> CInt {
    returningErrno { () throws(Errno) in
        let region = unsafe try region.orInvalid()
        let handle = unsafe region.handle(of: MemoryRegion.self)
        guard let object = unsafe handle.pointee.object else { throw .invalidArgument }
        try unsafe object.takeUnretainedValue().close()
        unsafe handle.pointee.object = nil
        unsafe object.release()
        unsafe RetiredHandles.shared.add(handle)
    }
}

/// A region that reads as zeros and forgets what is written. See ibv_alloc_null_mr(3).
internal func allocateNullRegion(_ domain: UnsafeMutablePointer<ibv_pd>?) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let region = try MemoryRegion(nullIn: unsafe domain.adapter)
        return unsafe try MemoryRegionHandle.make(region, in: domain, address: nil)
    }
}

/// Brings pages of on-demand regions into memory. See ibv_advise_mr(3).
internal func adviseRegion(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ advice: ib_uverbs_advise_mr_advice,
    _ flags: UInt32,
    _ list: UnsafeMutablePointer<ibv_sge>?,
    _ count: UInt32
) -> CInt {
    returningErrno { () throws(Errno) in
        let domain = unsafe try domain.orInvalid().adapter
        guard let advice = MemoryRegion.Advice(rawValue: advice.rawValue) else { throw .notSupported }
        guard flags & ~IB_UVERBS_ADVISE_MR_FLAG_FLUSH.rawValue == 0, count > 0, let list = unsafe list else {
            throw .invalidArgument
        }
        try unsafe MemoryRegion.advise(
            advice,
            isSynchronous: flags & IB_UVERBS_ADVISE_MR_FLAG_FLUSH.rawValue != 0,
            UnsafeBufferPointer(start: scatterElements(list), count: Int(count)),
            domain: domain
        )
    }
}

// MARK: - Handles

extension ObjectHandle where Base == ibv_mr, Object == MemoryRegion {
    /// Puts a C struct in front of a region that was just made; closes it when that fails.
    ///
    /// - Throws: `ENOMEM`.
    internal static func make(
        _ region: MemoryRegion,
        in domain: UnsafeMutablePointer<ibv_pd>,
        address: UnsafeMutableRawPointer?
    ) throws(Errno) -> UnsafeMutablePointer<ibv_mr> {
        do throws(Errno) {
            return unsafe try self.expose(region, in: domain, address: address)
        } catch {
            try? region.close()
            throw error
        }
    }

    /// Puts a C struct in front of a region, which may have another already.
    fileprivate static func expose(
        _ region: MemoryRegion,
        in domain: UnsafeMutablePointer<ibv_pd>,
        address: UnsafeMutableRawPointer?
    ) throws(Errno) -> UnsafeMutablePointer<ibv_mr> {
        let handle = unsafe try self.make(region)
        unsafe handle.pointee.base.context = domain.pointee.context
        unsafe handle.pointee.base.pd = domain
        unsafe handle.pointee.base.addr = address
        unsafe handle.pointee.base.length = Int(truncatingIfNeeded: region.byteCount)
        unsafe handle.pointee.base.handle = region.handle
        unsafe handle.pointee.base.setKeys(region)
        return unsafe handle.base()
    }
}

extension ibv_mr {
    fileprivate mutating func setKeys(_ region: MemoryRegion) {
        unsafe self.lkey = region.lKey
        unsafe self.rkey = region.rKey
    }
}

// MARK: - Taking over

/// Takes over a region of another context of this process. See ibv_import_mr(3).
@c @implementation
public func ibv_import_mr(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ handle: UInt32
) -> UnsafeMutablePointer<ibv_mr>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let regions = unsafe domain.adapter.context.regions
        guard let region = regions.object(handle: handle) else { throw .noSuchFile }
        return unsafe try MemoryRegionHandle.expose(region, in: domain, address: nil)
    }
}

/// Lets go of what was taken over; the region stays. See ibv_import_mr(3).
@c @implementation
public func ibv_unimport_mr(_ region: UnsafeMutablePointer<ibv_mr>?) {
    unsafe region?.destroy(MemoryRegion.self)
}
