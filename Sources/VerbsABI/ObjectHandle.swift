internal import CVerbs
internal import SoftHCA
internal import SystemIO

/// The memory behind a C object: the struct of `verbs.h` first, so that a pointer to one is a pointer to the other, and
/// the adapter's object behind it, which the handle keeps alive.
///
/// Not responsible for anything the object does.
@unsafe
internal struct ObjectHandle<Base, Object: AnyObject> {
    internal var base: Base
    // SAFETY: retained by `make`, released by `destroy`; between them every pointer to the C struct is one to it.
    internal var object: Unmanaged<Object>?

    /// Puts a C struct in front of an object.
    ///
    /// - Throws: `ENOMEM`.
    internal static func make(_ object: Object) throws(Errno) -> UnsafeMutablePointer<ObjectHandle> {
        let handle = unsafe try CMemory.allocate(ObjectHandle.self)
        unsafe handle.pointee.object = .passRetained(object)
        return unsafe handle
    }
}

internal typealias ProtectionDomainHandle = ObjectHandle<ibv_pd, ProtectionDomain>
internal typealias MemoryRegionHandle = ObjectHandle<ibv_mr, MemoryRegion>
internal typealias MemoryWindowHandle = ObjectHandle<ibv_mw, MemoryWindow>
internal typealias DeviceMemoryHandle = ObjectHandle<ibv_dm, DeviceMemory>
internal typealias ThreadDomainHandle = ObjectHandle<ibv_td, ThreadDomain>
internal typealias AddressHandleHandle = ObjectHandle<ibv_ah, AddressHandle>
internal typealias SharedReceiveQueueHandle = ObjectHandle<ibv_srq, SharedReceiveQueue>
internal typealias ExtendedDomainHandle = ObjectHandle<ibv_xrcd, OpenXRCDomain>
internal typealias CompletionChannelHandle = ObjectHandle<ibv_comp_channel, CompletionChannel>

extension UnsafeMutablePointer {
    // SAFETY: the caller passes a pointer that `make` returned for this pair of types, as the manual demands of it.

    /// The whole of which this C struct is the beginning.
    @inline(always)
    internal func handle<Object: AnyObject>(
        of type: Object.Type
    ) -> UnsafeMutablePointer<ObjectHandle<Pointee, Object>> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: ObjectHandle<Pointee, Object>.self)
    }

    /// The adapter's object behind this C struct.
    @inline(always)
    internal func object<Object: AnyObject>(_ type: Object.Type = Object.self) -> Unmanaged<Object> {
        unsafe self.handle(of: type).pointee.object.unsafelyUnwrapped
    }

    /// The C struct at the beginning of a handle.
    @inline(always)
    internal func base<Base, Object>() -> UnsafeMutablePointer<Base> where Pointee == ObjectHandle<Base, Object> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: Base.self)
    }

    /// Lets the object go and frees the struct.
    internal func destroy<Object: AnyObject>(_ type: Object.Type) {
        unsafe self.object(type).release()
        unsafe CMemory.free(self)
    }
}
