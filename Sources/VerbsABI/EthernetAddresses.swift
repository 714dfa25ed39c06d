public import CVerbs
internal import SoftHCA
internal import SystemIO
internal import Wire

/// The Ethernet address that packets to a GID go to, and the VLAN of the source, 0xFFFF for none.
///
/// Found without asking the network: multicast and link-local GIDs carry it, and addresses of this host are its own. For
/// others it is the kernel that resolves addresses when it sends, so the answer is -1 with `EHOSTUNREACH`.
@c @implementation
public func ibv_resolve_eth_l2_from_gid(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_ah_attr>?,
    _ ethernetAddress: UnsafeMutablePointer<UInt8>?,
    _ vlan: UnsafeMutablePointer<UInt16>?
) -> CInt {
    returningStatus { () throws(Errno) in
        // SAFETY: the context is a live one, and the address has room for the six bytes that the header names.
        let context = unsafe try context.orInvalid().adapter
        let gid = GID(unsafe try attributes.orInvalid().pointee.grh.dgid)
        let result = unsafe try ethernetAddress.orInvalid()
        guard let address = EthernetAddress(of: gid, on: context) else { throw .hostUnreachable }
        for index in 0..<6 {
            unsafe result[index] = UInt8(truncatingIfNeeded: address.rawValue >> UInt64(8 * (5 - index)))
        }
        unsafe vlan?.pointee = 0xFFFF
    }
}

/// A 48-bit address of Ethernet.
private struct EthernetAddress {
    let rawValue: UInt64

    private init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    init?(of gid: GID, on context: Context) {
        if let ipv4 = gid.ipv4Address, gid.isMulticast {
            // RFC 1112, section 6.4: 23 bits of the group behind 01:00:5E.
            self.init(0x0100_5E00_0000 | UInt64(ipv4 & 0x7F_FFFF))
        } else if gid.isMulticast {
            // RFC 2464, section 7: 32 bits of the group behind 33:33.
            self.init(0x3333_0000_0000 | gid.interfaceID & 0xFFFF_FFFF)
        } else if context.gidIndex(of: gid) != nil {
            self.init(eui64: context.device.nodeGUID)
        } else if gid.isLinkLocal, gid.interfaceID >> 24 & 0xFFFF == 0xFFFE {
            // RFC 4291, appendix A: the bit that says "universal" is inverted.
            self.init(eui64: gid.interfaceID ^ 0x0200_0000_0000_0000)
        } else {
            return nil
        }
    }

    /// Leaves out the two bytes in the middle that an EUI-64 adds.
    private init(eui64: UInt64) {
        self.init((eui64 >> 40) << 24 | eui64 & 0xFF_FFFF)
    }
}
