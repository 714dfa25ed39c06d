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
        do throws(Errno) {
            return unsafe try expose(domain, in: context)
        } catch {
            try? domain.close()
            throw error
        }
    }
}

/// Puts a C struct in front of a domain, which may have another already.
private func expose(
    _ domain: ProtectionDomain,
    in context: UnsafeMutablePointer<ibv_context>
) throws(Errno) -> UnsafeMutablePointer<ibv_pd> {
    let handle = unsafe try ProtectionDomainHandle.make(domain)
    unsafe handle.pointee.base.context = context
    unsafe handle.pointee.base.handle = domain.handle
    return unsafe handle.base()
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

// MARK: - Parent domains

/// Makes a domain that stands for another one, with a thread domain. See ibv_alloc_parent_domain(3).
///
/// Its allocators are never asked: all queues lie in the segment of the process, or are not the program's to place.
internal func allocateParentDomain(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_parent_domain_init_attr>?
) -> UnsafeMutablePointer<ibv_pd>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let wanted = unsafe try attributes.orInvalid().pointee
        let hasAllocators = unsafe wanted.comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS.rawValue != 0
        let known =
            IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS.rawValue | IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT.rawValue
        guard unsafe wanted.comp_mask & ~known == 0,
            unsafe !hasAllocators || (wanted.alloc != nil && wanted.free != nil)
        else { throw .invalidArgument }
        let base = unsafe try wanted.pd.orInvalid().adapter
        guard unsafe base.context === context.adapter else { throw .invalidArgument }
        let threadDomain: ThreadDomain? = unsafe wanted.td?.object().takeUnretainedValue()
        let parent = try ProtectionDomain(parentOf: base, threadDomain: threadDomain)
        do throws(Errno) {
            return unsafe try expose(parent, in: context)
        } catch {
            try? parent.close()
            throw error
        }
    }
}

/// Makes a thread domain. See ibv_alloc_td(3).
internal func allocateThreadDomain(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_td_init_attr>?
) -> UnsafeMutablePointer<ibv_td>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        guard unsafe try attributes.orInvalid().pointee.comp_mask == 0 else { throw .invalidArgument }
        let handle = unsafe try ThreadDomainHandle.make(ThreadDomain(context: context.adapter))
        unsafe handle.pointee.base.context = context
        return unsafe handle.base()
    }
}

/// Frees a thread domain; `EBUSY` while a parent domain uses it. See ibv_alloc_td(3).
internal func deallocateThreadDomain(_ domain: UnsafeMutablePointer<ibv_td>?) -> CInt {
    returningErrno { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let adapter: ThreadDomain = unsafe domain.object().takeUnretainedValue()
        try adapter.close()
        unsafe domain.destroy(ThreadDomain.self)
    }
}

// MARK: - Taking over

/// Takes over a domain of another context of this process. See ibv_import_pd(3).
@c @implementation
public func ibv_import_pd(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ handle: UInt32
) -> UnsafeMutablePointer<ibv_pd>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        guard let domain = unsafe context.adapter.domains.object(handle: handle) else { throw .noSuchFile }
        return unsafe try expose(domain, in: context)
    }
}

/// Lets go of what was taken over; the domain stays. See ibv_import_pd(3).
@c @implementation
public func ibv_unimport_pd(_ domain: UnsafeMutablePointer<ibv_pd>?) {
    unsafe domain?.destroy(ProtectionDomain.self)
}

extension UnsafeMutablePointer where Pointee == ibv_pd {
    // SAFETY: see the head of the file.

    /// The adapter's domain.
    internal var adapter: ProtectionDomain { unsafe self.object().takeUnretainedValue() }
}
