public import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): contexts are pointers that this library returned and did not close; out parameters are the
// caller's, and as long as the type or the byte count beside them says.

/// What the device can do. See ibv_query_device(3).
@c @implementation
public func ibv_query_device(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_device_attr>?
) -> CInt {
    returningErrno { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        unsafe try attributes.orInvalid().pointee = ibv_device_attr(context.deviceAttributes)
    }
}

/// What the device can do, of a struct that may be older or newer than ours. See ibv_query_device_ex(3).
internal func queryExtendedDevice(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ input: UnsafePointer<ibv_query_device_ex_input>?,
    _ attributes: UnsafeMutablePointer<ibv_device_attr_ex>?,
    _ byteCount: Int
) -> CInt {
    returningErrno { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        let attributes = unsafe try attributes.orInvalid()
        guard unsafe input?.pointee.comp_mask ?? 0 == 0 else { throw .invalidArgument }
        guard byteCount >= MemoryLayout<ibv_device_attr>.size else { throw .invalidArgument }
        let whole = ibv_device_attr_ex(context.deviceAttributes)
        unsafe copy(whole, to: attributes, byteCount: byteCount)
    }
}

/// The state of a port, in the first 48 bytes of `ibv_port_attr`: what programs built before rdma-core 23 have room for.
@c @implementation
public func ibv_query_port(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt8,
    _ attributes: OpaquePointer?
) -> CInt {
    let oldByteCount = 48
    return unsafe queryPort(context, port, UnsafeMutablePointer<ibv_port_attr>(attributes), oldByteCount)
}

/// The state of a port, of a struct that may be older or newer than ours. See ibv_query_port(3).
internal func queryPort(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt8,
    _ attributes: UnsafeMutablePointer<ibv_port_attr>?,
    _ byteCount: Int
) -> CInt {
    returningErrno { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        let attributes = unsafe try attributes.orInvalid()
        guard port == Port.number else { throw .invalidArgument }
        unsafe copy(ibv_port_attr(context.portAttributes()), to: attributes, byteCount: byteCount)
    }
}

/// The time on the clock of the completion timestamps. See ibv_query_rt_values_ex(3).
internal func queryRealTimeValues(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ values: UnsafeMutablePointer<ibv_values_ex>?
) -> CInt {
    returningErrno { () throws(Errno) in
        let values = unsafe try values.orInvalid()
        var answered: UInt32 = 0
        if unsafe values.pointee.comp_mask & IBV_VALUES_MASK_RAW_CLOCK.rawValue != 0 {
            let (seconds, rest) = MonotonicClock.now.quotientAndRemainder(dividingBy: 1_000_000_000)
            unsafe values.pointee.raw_clock = timespec(tv_sec: Int(clamping: seconds), tv_nsec: Int(rest))
            answered |= IBV_VALUES_MASK_RAW_CLOCK.rawValue
        }
        unsafe values.pointee.comp_mask = answered
    }
}

/// The one port of a device.
internal enum Port {
    internal static var number: UInt8 { 1 }
}

/// Copies as much as both sides have, and fills the rest of the destination with zeros.
private func copy<Value: BitwiseCopyable>(_ value: Value, to destination: UnsafeMutablePointer<Value>, byteCount: Int) {
    let room = unsafe UnsafeMutableRawBufferPointer(start: destination, count: max(byteCount, 0))
    unsafe withUnsafeBytes(of: value) { bytes in
        let known = min(bytes.count, room.count)
        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<known]))
        for index in known..<room.count { unsafe room[index] = 0 }
    }
}
