public import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO
internal import Wire

// SAFETY (this file): contexts are pointers that this library returned and did not close; out parameters are the
// caller's, and as long as the counts beside them say.

/// An address of the port; zeros for an empty entry, -1 and `errno` behind the table. See ibv_query_gid(3).
@c @implementation
public func ibv_query_gid(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt8,
    _ index: CInt,
    _ gid: UnsafeMutablePointer<ibv_gid>?
) -> CInt {
    returningStatus { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        let entry = try entry(of: context, port: UInt32(port), index: Int(index))
        unsafe try gid.orInvalid().pointee = ibv_gid(entry?.gid ?? .zero)
    }
}

/// An address with its type and interface: 0, `EINVAL` behind the table, `ENODATA` for an empty entry.
/// See ibv_query_gid_ex(3).
@c @implementation
public func _ibv_query_gid_ex(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt32,
    _ index: UInt32,
    _ result: UnsafeMutablePointer<ibv_gid_entry>?,
    _ flags: UInt32,
    _ byteCount: Int
) -> CInt {
    returningErrno { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        let result = unsafe try result.orInvalid()
        guard flags == 0, byteCount >= MemoryLayout<ibv_gid_entry>.size else { throw .invalidArgument }
        guard let entry = try entry(of: context, port: port, index: Int(index)) else { throw .noData }
        unsafe result.pointee = ibv_gid_entry(entry)
    }
}

/// All addresses: their number, or a negative errno value. See ibv_query_gid_table(3).
@c @implementation
public func _ibv_query_gid_table(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ results: UnsafeMutablePointer<ibv_gid_entry>?,
    _ countMax: Int,
    _ flags: UInt32,
    _ byteCount: Int
) -> Int {
    var count = 0
    let error = returningErrno { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        guard flags == 0, byteCount >= MemoryLayout<ibv_gid_entry>.size else { throw .invalidArgument }
        for index in 0..<context.gidCount {
            guard let entry = context.gid(at: index) else { continue }
            guard count < countMax, let results = unsafe results else { throw .invalidArgument }
            let place = unsafe UnsafeMutableRawPointer(results).advanced(by: count * byteCount)
            unsafe place.storeBytes(of: ibv_gid_entry(entry), as: ibv_gid_entry.self)
            count += 1
        }
    }
    return error == 0 ? count : -Int(error)
}

/// What sysfs says of an address's type: 1 for RoCE v2. Not declared in an installed header; librdmacm and drivers use it.
@c(ibv_query_gid_type)
public func queryGIDType(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt8,
    _ index: CUnsignedInt,
    _ type: UnsafeMutablePointer<CUnsignedInt>?
) -> CInt {
    returningStatus { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        let entry = try entry(of: context, port: UInt32(port), index: Int(index))
        // An empty entry has the type that sysfs calls "IB/RoCE v1".
        unsafe try type.orInvalid().pointee = entry == nil ? 0 : 1
    }
}

// MARK: - Partition keys

/// The partition key at an index, in network byte order: the default one at 0, which is all there is on RoCE.
/// See ibv_query_pkey(3).
@c @implementation
public func ibv_query_pkey(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt8,
    _ index: CInt,
    _ pKey: UnsafeMutablePointer<UInt16>?
) -> CInt {
    returningStatus { () throws(Errno) in
        guard port == Port.number, index == 0 else { throw .invalidArgument }
        unsafe try pKey.orInvalid().pointee = defaultPKey.bigEndian
    }
}

/// The index of a partition key, or -1. See ibv_get_pkey_index(3).
@c @implementation
public func ibv_get_pkey_index(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ port: UInt8,
    _ pKey: UInt16
) -> CInt {
    returningStatus { () throws(Errno) in
        guard port == Port.number, UInt16(bigEndian: pKey) == defaultPKey else { throw .invalidArgument }
    }
}

private var defaultPKey: UInt16 { 0xFFFF }

// MARK: - Steps

/// - Returns: `nil` for an empty entry.
/// - Throws: `EINVAL` for another port than the one, or an index behind the table.
private func entry(of context: Context, port: UInt32, index: Int) throws(Errno) -> GIDEntry? {
    guard port == UInt32(Port.number), index >= 0, index < context.gidCount else { throw .invalidArgument }
    return context.gid(at: index)
}

extension Context {
    /// Where an address stands in the table, or `nil` when it is none of the port's.
    internal func gidIndex(of gid: GID) -> Int? {
        (0..<self.gidCount).first { self.gid(at: $0)?.gid == gid }
    }
}

extension ibv_gid_entry {
    fileprivate init(_ entry: GIDEntry) {
        self.init(
            gid: ibv_gid(entry.gid),
            gid_index: UInt32(clamping: entry.index),
            port_num: UInt32(Port.number),
            gid_type: IBV_GID_TYPE_ROCE_V2.rawValue,
            ndev_ifindex: UInt32(clamping: entry.interfaceIndex)
        )
    }
}
