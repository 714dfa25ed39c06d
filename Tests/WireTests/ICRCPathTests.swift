import SystemIO
import TestSupport
import Testing

@testable import Wire

@Suite("ICRC")
struct ICRCPathTests {
    /// The identifications that the ICRC of two captured packets was made for, unlike those in their IP headers.
    private static let foreignlySealed: [String: UInt16] = ["host_cm_rej #6": 0, "host_cm_rej #8": 0x4D]

    /// The one captured packet whose IP header, and ICRC, allow fragments.
    private static let fragmentable = "host_cm_rej #7"

    private static func sealedIdentification(_ captured: CapturedPacket) -> UInt16 {
        Self.foreignlySealed[captured.testDescription] ?? captured.identification
    }

    /// The packets of one capture that may not be fragmented.
    private static func packets(_ name: String) throws -> [CapturedPacket] {
        try Capture.packets(name).filter { $0.testDescription != Self.fragmentable }
    }

    /// One packet of each opcode and capture, short ones, and one of the longest.
    private static func samplePackets() throws -> [CapturedPacket] {
        var samples: [String: CapturedPacket] = [:]
        for captured in try Capture.names.flatMap(Self.packets) where captured.datagram.count <= 320 {
            samples["\(captured.name) \(captured.opcode)"] = captured
        }
        let longest = try #require(try Capture.allPackets().max { $0.datagram.count < $1.datagram.count })
        #expect(longest.datagram.count > 4096)
        return [longest] + samples.values.sorted { ($0.name, $0.index) < ($1.name, $1.index) }
    }

    @Test(arguments: Capture.names)
    func `equals that of captured packets`(name: String) throws {
        for captured in try Self.packets(name) {
            let packet = captured.packet
            let identification = Self.sealedIdentification(captured)
            let crc = captured.path.icrc(of: packet.span.bytes, identification: identification, using: ISALCRC32.self)
            #expect(crc == captured.icrc, "\(captured.testDescription)")
            #expect(captured.path.family == (name == "rc_ipv6" ? .ipv6 : .ipv4))
        }
    }

    @Test(arguments: Capture.names)
    func `is sealed into the last bytes`(name: String) throws {
        for captured in try Self.packets(name) {
            var bytes = captured.packet + [0xA5, 0xA5, 0xA5, 0xA5]
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            let identification = Self.sealedIdentification(captured)
            captured.path.seal(&raw, identification: identification, using: ISALCRC32.self)
            #expect(bytes == captured.datagram, "\(captured.testDescription)")
        }
    }

    @Test(arguments: Capture.names)
    func `proves the identification, whatever was guessed`(name: String) throws {
        for captured in try Self.packets(name) {
            let identification = Self.sealedIdentification(captured)
            for likely in [0, 1, 0x8000, 0xFFFF, identification] {
                let proven = captured.identification(proving: captured.datagram, likely: likely)
                #expect(proven == identification, "\(captured.testDescription)")
            }
        }
    }

    /// The flag that forbids fragments is covered. RoCEv2 senders set it, and this is the only form that is accepted.
    @Test func `refuses a packet that allows fragments`() throws {
        let captured = try #require(
            try Capture.packets("host_cm_rej").first { $0.testDescription == Self.fragmentable }
        )
        #expect(captured.ipFlags == 0)
        #expect(captured.identification(proving: captured.datagram) == nil)
    }

    @Test func `proves every identification of one packet`() throws {
        let captured = try #require(try Capture.packets("verbtest").last { $0.opcode == .rcAcknowledge })
        var bytes = captured.datagram
        for identification in UInt16.min ... .max {
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            captured.path.seal(&raw, identification: identification, using: ISALCRC32.self)
            guard captured.identification(proving: bytes) == identification else {
                Issue.record("\(identification) was not found")
                return
            }
        }
    }

    /// Byte 4 of the BTH carries the congestion bits, which a switch may set; the ICRC does not cover it.
    @Test func `finds one flipped bit anywhere but in the congestion byte`() throws {
        var flips = 0
        for captured in try Self.samplePackets() {
            var bytes = captured.datagram
            for bit in 0..<(8 * bytes.count) {
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                let isFound = captured.identification(proving: bytes) == nil
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                guard isFound == (bit / 8 != 4) else {
                    Issue.record("bit \(bit) of \(captured.testDescription): found is \(isFound)")
                    return
                }
                flips += 1
            }
        }
        #expect(flips > 40_000)
    }

    @Test func `finds one flipped bit in an address or port`() throws {
        for captured in try Self.samplePackets() {
            let bits = captured.path.family == .ipv4 ? 32 : 64
            for bit in 0..<bits {
                let flip = UInt64(1) << UInt64(bit)
                var source = captured.source
                source.interfaceID ^= flip
                var destination = captured.destination
                destination.interfaceID ^= flip
                let paths = [
                    ICRCPath(source: source, destination: captured.destination, sourcePort: captured.sourcePort),
                    ICRCPath(source: captured.source, destination: destination, sourcePort: captured.sourcePort),
                    ICRCPath(
                        source: captured.source,
                        destination: captured.destination,
                        sourcePort: captured.sourcePort ^ UInt16(truncatingIfNeeded: bit < 16 ? flip : 1)
                    ),
                ]
                let datagram = captured.datagram
                for path in paths {
                    #expect(path.identification(proving: datagram.span.bytes, using: ISALCRC32.self) == nil)
                }
            }
        }
    }

    @Test func `finds lost and added bytes`() throws {
        for captured in try Self.samplePackets() {
            for byteCount in 0..<min(captured.datagram.count, 300) {
                #expect(captured.identification(proving: Array(captured.datagram.prefix(byteCount))) == nil)
            }
            #expect(captured.identification(proving: captured.datagram + [0, 0, 0, 0]) == nil)
        }
    }

    /// 16 bits of check remain on IPv4: of 100 000 packets of random bytes one or two should pass, on IPv6 none.
    @Test(arguments: 0..<4 as Range<UInt64>)
    func `accepts random bytes about once in 65536`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let ipv4 = ICRCPath(source: GID(ipv4: 0x0A00_0001), destination: GID(ipv4: 0x0A00_0002), sourcePort: 0xC000)
        let ipv6 = ICRCPath(
            source: GID(prefix: 0xFE80 << 48, interfaceID: 1),
            destination: GID(prefix: 0xFE80 << 48, interfaceID: 2),
            sourcePort: 0xC000
        )
        var bytes = random.bytes(count: 64)
        var acceptedIPv4 = 0
        var acceptedIPv6 = 0
        for _ in 0..<25_000 {
            for offset in stride(from: 0, to: 64, by: 8) {
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                raw.store(bigEndian: random.next(), at: offset)
            }
            if ipv4.identification(proving: bytes.span.bytes, using: ISALCRC32.self) != nil { acceptedIPv4 += 1 }
            if ipv6.identification(proving: bytes.span.bytes, using: ISALCRC32.self) != nil { acceptedIPv6 += 1 }
        }
        #expect(acceptedIPv4 <= 2)
        #expect(acceptedIPv6 == 0)
    }

    @Test func `refuses what is longer than any path allows`() {
        let path = ICRCPath(source: GID(ipv4: 1), destination: GID(ipv4: 2), sourcePort: 3)
        for packetByteCount in [ICRCPath.packetByteCountMax, ICRCPath.packetByteCountMax + 1, 65_000] {
            var bytes = [UInt8](repeating: 0, count: packetByteCount + ICRCPath.byteCount)
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            path.seal(&raw, identification: 9, using: ISALCRC32.self)
            let proven = path.identification(proving: bytes.span.bytes, using: ISALCRC32.self)
            #expect(proven == (packetByteCount <= ICRCPath.packetByteCountMax ? 9 : nil))
        }
    }
}
