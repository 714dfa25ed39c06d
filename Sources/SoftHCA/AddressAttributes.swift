package import Wire

/// The way to a peer: the fields of `ibv_ah_attr` and `ibv_global_route`. See ibv_create_ah(3).
package struct AddressAttributes: Sendable, Equatable {
    package var destinationGID = GID.zero
    /// 20 bits.
    package var flowLabel: UInt32 = 0
    package var sourceGIDIndex: UInt8 = 0
    /// 0 stands for the default of the system.
    package var hopLimit: UInt8 = 0
    package var trafficClass: UInt8 = 0
    package var destinationLID: UInt16 = 0
    package var serviceLevel: UInt8 = 0
    package var sourcePathBits: UInt8 = 0
    package var staticRate: UInt8 = 0
    /// Whether the fields of the global route are valid. On RoCE they must be.
    package var isGlobal = false
    package var port: UInt8 = 0

    package init() {}
}
