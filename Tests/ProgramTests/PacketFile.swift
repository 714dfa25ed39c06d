import Foundation
import TestSupport

/// The packets of a capture file in the classic pcap format, each from its IP header on.
struct PacketFile {
    static let headerByteCount = 24
    private static let recordByteCount = 16
    private static let ethernetByteCount = 14

    var packets: [[UInt8]]

    init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path), data.count >= Self.headerByteCount else {
            throw TestFailure("\(path) is no capture")
        }
        let bytes = [UInt8](data)
        guard bytes.prefix(4) == [0xD4, 0xC3, 0xB2, 0xA1] else {
            throw TestFailure("\(path) is no little-endian pcap file")
        }
        self.packets = []
        var offset = Self.headerByteCount
        while offset + Self.recordByteCount <= bytes.count {
            let length = bytes[offset + 8..<offset + 12].reversed().reduce(0) { $0 << 8 | Int($1) }
            offset += Self.recordByteCount
            guard offset + length <= bytes.count else { throw TestFailure("\(path) ends in a packet") }
            self.packets.append(Self.ipPacket(bytes[offset + Self.ethernetByteCount..<offset + length]))
            offset += length
        }
    }

    static func byteCount(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Cuts off what Ethernet padded.
    private static func ipPacket(_ frame: ArraySlice<UInt8>) -> [UInt8] {
        let packet = Array(frame)
        let isIPv4 = packet[0] >> 4 == 4
        let byteCount = isIPv4 ? Int(packet[2]) << 8 | Int(packet[3]) : 40 + (Int(packet[4]) << 8 | Int(packet[5]))
        return Array(packet.prefix(byteCount))
    }
}
