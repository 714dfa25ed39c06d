public import CRDMACM
import Glibc

// rdma_get_devices(3): the devices that connection management can use.

/// An empty, null-terminated list: no device can be used through connection management as long as that is not built.
/// Null with `ENOMEM` when there is no memory for the list.
@c @implementation
public func rdma_get_devices(
    _ deviceCount: UnsafeMutablePointer<CInt>?
) -> UnsafeMutablePointer<UnsafeMutablePointer<ibv_context>?>? {
    guard let list = unsafe calloc(1, MemoryLayout<UnsafeRawPointer?>.stride) else { return nil }
    // SAFETY: the caller passes null or a place for one int.
    unsafe deviceCount?.pointee = 0
    // SAFETY: zeroed and large enough for the one null pointer that ends the list.
    return unsafe list.bindMemory(to: UnsafeMutablePointer<ibv_context>?.self, capacity: 1)
}

@c @implementation
public func rdma_free_devices(_ list: UnsafeMutablePointer<UnsafeMutablePointer<ibv_context>?>?) {
    // SAFETY: null, or from `rdma_get_devices`, which allocates with calloc.
    unsafe free(list)
}
