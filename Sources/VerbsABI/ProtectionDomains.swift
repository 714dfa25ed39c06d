public import CVerbs
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): domains and contexts are pointers that this library returned and did not free, as the manual
// demands of the caller.

/// Makes a protection domain. See ibv_alloc_pd(3).
@c @implementation
public func ibv_alloc_pd(_ context: UnsafeMutablePointer<ibv_context>?) -> UnsafeMutablePointer<ibv_pd>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let domain = try ProtectionDomain(context: unsafe context.adapter)
        let handle: UnsafeMutablePointer<ProtectionDomainHandle>
        do throws(Errno) {
            unsafe handle = unsafe try ProtectionDomainHandle.make(domain)
        } catch {
            try? domain.close()
            throw error
        }
        unsafe handle.pointee.base.context = context
        unsafe handle.pointee.base.handle = domain.handle
        return unsafe handle.base()
    }
}

/// Frees a protection domain; `EBUSY` while something was made in it. See ibv_alloc_pd(3).
@c @implementation
public func ibv_dealloc_pd(_ domain: UnsafeMutablePointer<ibv_pd>?) -> CInt {
    returningErrno { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        try unsafe domain.adapter.close()
        unsafe domain.destroy(ProtectionDomain.self)
    }
}

/// Takes over a domain of another process. See ibv_import_pd(3).
@c @implementation
public func ibv_import_pd(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ handle: UInt32
) -> UnsafeMutablePointer<ibv_pd>? {
    unsafe returningNotSupported()
}

/// Gives back a domain of another process; there is none. See ibv_import_pd(3).
@c @implementation
public func ibv_unimport_pd(_ domain: UnsafeMutablePointer<ibv_pd>?) {}

extension UnsafeMutablePointer where Pointee == ibv_pd {
    // SAFETY: see the head of the file.

    /// The adapter's domain.
    internal var adapter: ProtectionDomain { unsafe self.object().takeUnretainedValue() }
}
