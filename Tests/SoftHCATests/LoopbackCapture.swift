import Glibc
import SystemIO
import TestSupport

/// The UDP datagrams of IPv4 that this host delivers to itself, from the moment it is made. Needs root in the network namespace.
final class LoopbackCapture {
    private let descriptor: CInt

    init() throws {
        self.descriptor = Glibc.socket(
            AF_INET,
            CInt(SOCK_RAW.rawValue) | CInt(SOCK_NONBLOCK.rawValue),
            CInt(IPPROTO_UDP)
        )
        guard self.descriptor >= 0 else { throw TestFailure("no raw socket: errno \(errno)") }
    }

    deinit { close(self.descriptor) }

    struct Packet {
        var source: IPAddress
        var destination: IPAddress
        var sourcePort: UInt16
        var destinationPort: UInt16
        /// Behind the UDP header.
        var bytes: [UInt8]
    }

    /// The next packet, or `nil` when there is none.
    func next() -> Packet? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(self.descriptor, &bytes, bytes.count, 0)
        guard count >= 28, bytes[0] == 0x45 else { return nil }
        func number(_ offset: Int, _ byteCount: Int) -> UInt32 {
            bytes[offset..<offset + byteCount].reduce(0) { $0 << 8 | UInt32($1) }
        }
        return Packet(
            source: IPAddress(ipv4: number(12, 4)),
            destination: IPAddress(ipv4: number(16, 4)),
            sourcePort: UInt16(number(20, 2)),
            destinationPort: UInt16(number(22, 2)),
            bytes: Array(bytes[28..<count])
        )
    }
}
