import Foundation
import SystemIO
import Testing

@testable import Wire

/// One RoCEv2 packet of a capture in `Fixtures`, with the values of the headers before it.
struct CapturedPacket: Sendable, CustomTestStringConvertible {
    let name: String
    let index: Int
    let source: GID
    let destination: GID
    let sourcePort: UInt16
    /// Zero on IPv6.
    let identification: UInt16
    /// Flags and fragment offset; zero on IPv6.
    let ipFlags: UInt16
    /// What the UDP header carries: from the BTH to the ICRC.
    let datagram: [UInt8]

    var testDescription: String { "\(self.name) #\(self.index)" }
    var path: ICRCPath { ICRCPath(source: self.source, destination: self.destination, sourcePort: self.sourcePort) }
    /// The packet without its ICRC.
    var packet: [UInt8] { Array(self.datagram.dropLast(ICRCPath.byteCount)) }
    /// The ICRC as a number.
    var icrc: UInt32 {
        self.datagram.suffix(ICRCPath.byteCount).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    var opcode: Opcode { Opcode(rawValue: self.datagram[0]) }

    /// Checks the ICRC of `bytes` as if they had come in this packet's place.
    func identification(proving bytes: [UInt8], likely: UInt16 = 0) -> UInt16? {
        self.path.identification(proving: bytes.span.bytes, likely: likely, using: ISALCRC32.self)
    }
}

enum Capture {
    static let names = [
        "cm_connections", "cm_mckey", "cm_udaddy", "host_cm_rej", "host_rc_pingpong", "rc_ipv6", "rc_loss_send",
        "rc_pingpong_4k",
        "uc_pingpong", "uc_write", "verbtest",
    ]

    /// The packets of one capture.
    static func packets(_ name: String) throws -> [CapturedPacket] {
        let url = try #require(
            Bundle.module.url(forResource: name, withExtension: "pcap", subdirectory: "Fixtures")
        )
        let bytes = [UInt8](try Data(contentsOf: url))
        try #require(bytes.starts(with: [0xD4, 0xC3, 0xB2, 0xA1]), "a classic little-endian pcap file")
        var packets: [CapturedPacket] = []
        var offset = 24
        while offset + 16 <= bytes.count {
            let byteCount = bytes[(offset + 8)..<(offset + 12)].reversed().reduce(0) { $0 << 8 | Int($1) }
            let frame = Array(bytes[(offset + 16)..<(offset + 16 + byteCount)])
            packets.append(try #require(CapturedPacket(name: name, index: packets.count, frame: frame)))
            offset += 16 + byteCount
        }
        return packets
    }

    static func allPackets() throws -> [CapturedPacket] {
        try Self.names.flatMap { try Self.packets($0) }
    }
}

extension CapturedPacket {
    /// Takes an Ethernet frame apart; `nil` when it is not RoCEv2.
    fileprivate init?(name: String, index: Int, frame: [UInt8]) {
        func number<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type = T.self) -> T {
            frame.span.bytes.bigEndian(at: offset)
        }
        let ip = 14
        let udp: Int
        switch number(12, as: UInt16.self) {
        case 0x0800 where frame[ip] == 0x45:
            udp = ip + 20
            self.source = GID(ipv4: number(ip + 12))
            self.destination = GID(ipv4: number(ip + 16))
            self.identification = number(ip + 4)
            self.ipFlags = number(ip + 6)
        case 0x86DD:
            udp = ip + 40
            self.source = GID(prefix: number(ip + 8), interfaceID: number(ip + 16))
            self.destination = GID(prefix: number(ip + 24), interfaceID: number(ip + 32))
            self.identification = 0
            self.ipFlags = 0
        default:
            return nil
        }
        guard number(udp + 2, as: UInt16.self) == 4791 else { return nil }
        self.sourcePort = number(udp)
        self.datagram = Array(frame[(udp + 8)..<(udp + Int(number(udp + 4, as: UInt16.self)))])
        self.name = name
        self.index = index
    }
}
