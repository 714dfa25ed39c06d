internal import CVerbs

/// The largest payload of one packet on a path, in bytes. See IBTA Volume 1, section 7.7.8.
public enum PathMTU: Int, Sendable, Hashable, Comparable, CaseIterable {
    case bytes256 = 256
    case bytes512 = 512
    case bytes1024 = 1024
    case bytes2048 = 2048
    case bytes4096 = 4096

    internal init?(raw: ibv_mtu) {
        guard (1...5).contains(raw.rawValue) else { return nil }
        self.init(rawValue: 128 << Int(raw.rawValue))
    }

    internal var raw: ibv_mtu {
        switch self {
        case .bytes256: IBV_MTU_256
        case .bytes512: IBV_MTU_512
        case .bytes1024: IBV_MTU_1024
        case .bytes2048: IBV_MTU_2048
        case .bytes4096: IBV_MTU_4096
        }
    }

    public static func < (left: PathMTU, right: PathMTU) -> Bool { left.rawValue < right.rawValue }
}
