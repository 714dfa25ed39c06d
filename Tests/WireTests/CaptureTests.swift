import SystemIO
import Testing

@testable import Wire

@Suite("Captured packets")
struct CaptureTests {
    @Test(arguments: Capture.names)
    func `decode and encode to the same bytes`(name: String) throws {
        let packets = try Capture.packets(name)
        #expect(!packets.isEmpty)
        for captured in packets {
            let packet = captured.packet
            let header = try PacketHeader(parsing: packet.span.bytes)
            var bytes = [UInt8](repeating: 0xA5, count: header.byteCount)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            header.encode(into: &raw)
            #expect(bytes == Array(packet.prefix(header.byteCount)), "\(captured.testDescription)")
        }
    }

    @Test func `cover the opcodes that Linux sends`() throws {
        let opcodes = Set(try Capture.allPackets().map(\.opcode.rawValue))
        let rc = Set(0...0x14 as ClosedRange<UInt8>).union([0x17])
        let uc: Set<UInt8> = [0x20, 0x21, 0x22, 0x26, 0x27, 0x28]
        #expect(opcodes == rc.union(uc).union([0x64, 0x65]))
    }

    @Test func `cover every kind of acknowledge`() throws {
        let syndromes = try Capture.allPackets().filter(\.opcode.hasAETH).map { captured in
            try PacketHeader(parsing: captured.packet.span.bytes).aeth.syndrome
        }
        let expected: Set<AETHSyndrome> = [
            .ack(credits: .unlimited), .rnrNAK(RNRTimer(truncating: 16)), .nak(.psnSequenceError),
            .nak(.remoteAccessError),
        ]
        #expect(Set(syndromes) == expected)
    }

    /// The class, method and attribute of connection management, IBTA Volume 1, section 16.7.
    @Test func `carry management datagrams on QP 1`() throws {
        var count = 0
        for captured in try Capture.allPackets() {
            let packet = captured.packet
            let header = try PacketHeader(parsing: packet.span.bytes)
            guard header.bth.destQP.rawValue == 1 else { continue }
            let payload = header.payload(of: packet.span.bytes)
            let mad = try MADHeader(parsing: payload)
            #expect(header.deth.qKey == 0x8001_0000)
            #expect(payload.byteCount == MADHeader.datagramByteCount)
            #expect(mad.baseVersion == 1 && mad.managementClass == 7 && mad.classVersion == 2 && mad.method == 3)
            #expect(mad.encoded() == Array(packet[header.byteCount...].prefix(MADHeader.byteCount)))
            count += 1
        }
        #expect(count > 10)
    }
}
