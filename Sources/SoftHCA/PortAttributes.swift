package import SystemIO

/// The state of a port: the fields of `ibv_port_attr`. See ibv_query_port(3).
package struct PortAttributes: Sendable, Equatable {
    /// `ibv_port_state`: 1 down, 4 active.
    package var state: UInt32
    /// `ibv_mtu`: 1 is 256 bytes, 5 is 4096.
    package var maxMTU: UInt32 = 5
    package var activeMTU: UInt32
    package var gidCount: Int
    /// `IBV_PORT_CM_SUP` and `IBV_PORT_IP_BASED_GIDS`.
    package var capabilities: UInt32 = 1 << 16 | 1 << 26
    package var messageByteCountMax = UInt32(Limits.messageByteCount)
    package var pKeyCount = Limits.pKeys
    package var virtualLaneMax: UInt8 = 1
    /// `ibv_port_attr.active_width`: 1 is one lane, 2 is four.
    package var activeWidth: UInt8
    /// Speed of a lane, as bits: 1 is 2.5 Gb/s, 32 is 25 Gb/s.
    package var activeSpeed: UInt32
    /// 3 disabled, 5 link up.
    package var physicalState: UInt8
    /// `IBV_LINK_LAYER_ETHERNET`.
    package var linkLayer: UInt8 = 2

    /// - Parameter interface: As it is now, or `nil` when it is gone.
    package init(interface: NetworkInterface?, gidCount: Int) {
        let isActive = interface.map { $0.isUp && ($0.isRunning || $0.isLoopback) } ?? false
        self.state = isActive ? 4 : 1
        self.physicalState = isActive ? 5 : 3
        self.activeMTU = interface.map(Self.activeMTU) ?? 1
        self.gidCount = gidCount
        (self.activeWidth, self.activeSpeed) = Self.lanes(megabits: interface?.speedMegabits)
    }
}

extension PortAttributes {
    /// Whether packets can pass.
    package var isActive: Bool { self.state == 4 }
}

// MARK: - Derivations

extension PortAttributes {
    /// Bytes of the headers around a payload, as Linux's rxe counts them.
    private static var headerByteCountMax: Int { 80 }

    /// The largest `ibv_mtu` whose packets fit the interface. Loopback has no link: it takes the largest.
    package static func activeMTU(of interface: NetworkInterface) -> UInt32 {
        if interface.isLoopback { return 5 }
        let room = interface.mtu - self.headerByteCountMax
        let fitting = (1...5).last { room >= 128 << $0 } ?? 1
        return UInt32(fitting)
    }

    /// Width and speed of a link, the nearest that InfiniBand knows to what the driver says.
    private static func lanes(megabits: Int?) -> (width: UInt8, speed: UInt32) {
        switch megabits ?? 0 {
        case ..<2_500: (1, 1)
        case ..<5_000: (1, 2)
        case ..<20_000: (1, 4)
        case ..<40_000: (1, 32)
        case ..<50_000: (2, 4)
        case ..<100_000: (1, 64)
        case ..<200_000: (2, 32)
        case ..<400_000: (2, 64)
        case ..<800_000: (2, 128)
        default: (2, 256)
        }
    }
}
