internal import CVerbena
internal import Registration
internal import SystemIO

/// Keeps the pages of a range out of forked children, or lets them in again. See verbena.h.
@c @implementation
public func mark_nocopy(_ address: CUnsignedLong, _ byteCount: Int, _ mark: CInt) -> CLong {
    // The C type is `size_t`, which Swift shows as `Int`.
    let byteCount = UInt(bitPattern: byteCount)
    return CLong(
        SharedAccount.change(address: address, byteCount: byteCount, isMarking: mark != 0, always: true)
    )
}
