internal import CVerbs

/// A global identifier: the 16 bytes of an IPv6 address, or of an IPv4 address in its mapped form `::ffff:a.b.c.d`.
///
/// See IBTA Volume 1, section 4.1.1, and annex A17 for RoCEv2.
public struct GID: Sendable, Hashable {
    /// The first eight bytes, as a number whose most significant byte comes first.
    public let subnetPrefix: UInt64
    /// The last eight bytes, likewise.
    public let interfaceID: UInt64

    public init(subnetPrefix: UInt64, interfaceID: UInt64) {
        self.subnetPrefix = subnetPrefix
        self.interfaceID = interfaceID
    }

    internal init(_ gid: ibv_gid) {
        let global = unsafe gid.global
        self.init(
            subnetPrefix: UInt64(bigEndian: global.subnet_prefix),
            interfaceID: UInt64(bigEndian: global.interface_id)
        )
    }

    internal var raw: ibv_gid {
        var gid = ibv_gid()
        unsafe gid.global.subnet_prefix = self.subnetPrefix.bigEndian
        unsafe gid.global.interface_id = self.interfaceID.bigEndian
        return gid
    }
}

extension GID {
    /// An entry of the table that is not in use.
    public var isZero: Bool { self.subnetPrefix == 0 && self.interfaceID == 0 }
    public var isIPv4: Bool { self.subnetPrefix == 0 && self.interfaceID >> 32 == 0xFFFF }
    public var isLinkLocal: Bool { self.subnetPrefix >> 48 == 0xFE80 }
}

extension GID: CustomStringConvertible {
    public var description: String {
        if self.isIPv4 {
            let bytes = (0..<4).map { String(UInt8(truncatingIfNeeded: self.interfaceID >> (24 - 8 * $0))) }
            return "::ffff:" + bytes.joined(separator: ".")
        }
        let groups = [self.subnetPrefix, self.interfaceID].flatMap { half in
            (0..<4).map { String(UInt16(truncatingIfNeeded: half >> (48 - 16 * $0)), radix: 16) }
        }
        return groups.joined(separator: ":")
    }
}
