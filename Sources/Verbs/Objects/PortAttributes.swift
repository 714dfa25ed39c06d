internal import CVerbs

/// The state of a port. See ibv_query_port(3).
public struct PortAttributes: Sendable, Hashable {
    /// Whether it can carry packets now.
    public let isActive: Bool
    /// The largest payload of a packet that the link carries now.
    public let activeMTU: PathMTU
    /// The local identifier; 0 on Ethernet.
    public let lid: UInt16
    /// Entries of the GID table.
    public let gidCount: Int
    /// Whether the link is Ethernet (RoCE), where peers are named by GID.
    public let isEthernet: Bool
    /// The longest message, in bytes.
    public let messageByteCountMax: UInt64

    internal init(_ context: ContextHandle, port: UInt8) throws(VerbsError) {
        var attributes = ibv_port_attr()
        // SAFETY: the function by this name takes the struct of its first version, which this one begins with; what lies
        // behind it stays 0.
        let result = unsafe withUnsafeMutableBytes(of: &attributes) { bytes in
            let compatible = OpaquePointer(bytes.baseAddress)
            return unsafe context.functions.queryPort(context.raw, port, compatible)
        }
        try VerbsError.check("ibv_query_port", result, detail: "port \(port)")
        self.isActive = attributes.state == IBV_PORT_ACTIVE
        self.activeMTU = PathMTU(raw: attributes.active_mtu) ?? .bytes1024
        self.lid = attributes.lid
        self.gidCount = Int(attributes.gid_tbl_len)
        self.isEthernet = UInt32(attributes.link_layer) == UInt32(IBV_LINK_LAYER_ETHERNET)
        self.messageByteCountMax = UInt64(attributes.max_msg_sz)
    }
}
