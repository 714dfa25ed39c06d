internal import CVerbena
internal import Glibc
internal import SoftHCA
internal import SystemIO

/// Memory that peers of this host reach with plain copies. See verbena.h.
@c @implementation
public func verbena_alloc(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    do throws(Errno) {
        return unsafe try SharedMemory.allocate(byteCount: byteCount)
    } catch {
        errno = error.rawValue
        return nil
    }
}

/// Gives such memory back. See verbena.h.
@c @implementation
public func verbena_free(_ address: UnsafeMutableRawPointer?) {
    guard let address = unsafe address else { return }
    do throws(Errno) {
        unsafe try SharedMemory.free(address)
    } catch {
        errno = error.rawValue
    }
}
