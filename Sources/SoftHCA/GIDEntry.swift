package import Wire

/// One entry of a port's GID table. See ibv_query_gid_ex(3).
package struct GIDEntry: Sendable, Equatable {
    package let gid: GID
    package let index: Int
    /// Index of the network interface that has the address.
    package let interfaceIndex: UInt32

    /// `IBV_GID_TYPE_ROCE_V2`: no entry is of another type.
    package static var type: UInt32 { 2 }

    package init(gid: GID, index: Int, interfaceIndex: UInt32) {
        self.gid = gid
        self.index = index
        self.interfaceIndex = interfaceIndex
    }
}
