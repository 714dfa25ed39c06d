import Foundation
import Testing

@testable import Wire

/// Messages that Linux sent, beside what tshark sees in them (`scripts/make-cm-fixture`).
@Suite("Captured CM messages")
struct CMCaptureTests {
    /// One message, and tshark's values by the names of its fields.
    struct Captured: Sendable, CustomTestStringConvertible {
        let packet: CapturedPacket
        let bytes: [UInt8]
        let fields: [String: String]

        var testDescription: String { self.packet.testDescription }
    }

    static let all: [Captured] = {
        do { return try Self.load() } catch { fatalError("the captured messages cannot be read: \(error)") }
    }()

    private static func load() throws -> [Captured] {
        let url = try #require(
            Bundle.module.url(forResource: "cm_tshark", withExtension: "txt", subdirectory: "Fixtures")
        )
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            let packet = try Capture.packets(words[0])[try #require(Int(words[1])) - 1]
            let pairs = words[2...].map { word in
                let parts = word.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
                return (parts[0], parts[1])
            }
            return Captured(
                packet: packet,
                bytes: Array(packet.packet.dropFirst(BTH.byteCount + DETH.byteCount)),
                fields: Dictionary(uniqueKeysWithValues: pairs)
            )
        }
    }

    private static func message(_ capture: String, _ index: Int) throws -> CM.Message {
        let captured = try #require(Self.all.first { $0.packet.name == capture && $0.packet.index == index })
        return try CM.Datagram(parsing: captured.bytes.span.bytes).message
    }

    // MARK: - Bytes

    @Test(arguments: Self.all)
    func `decode and encode to the same bytes`(captured: Captured) throws {
        #expect(captured.bytes.count == CM.Datagram.byteCount)
        let datagram = try CM.Datagram(parsing: captured.bytes.span.bytes)
        #expect(datagram.encoded() == captured.bytes)
    }

    @Test func `are all that the captures have, and of every kind but MRA`() throws {
        let count = try Capture.allPackets().count { $0.opcode == .udSendOnly && $0.datagram[7] == 1 }
        #expect(Self.all.count == count)
        let kinds = Set(try Self.all.map { try CM.Datagram(parsing: $0.bytes.span.bytes).message.attributeID })
        #expect(kinds == [0x10, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18])
    }

    // MARK: - tshark

    /// Where tshark 4.0 is wrong: it reads the flow label and the packet rate 8 bits beside their place.
    private static let wrongFields: Set<String> = ["req.prim_flowlabel", "req.prim_pktrate"]

    @Test(arguments: Self.all)
    func `have the values that tshark shows`(captured: Captured) throws {
        let datagram = try CM.Datagram(parsing: captured.bytes.span.bytes)
        let own = CMFields(datagram).values
        for (name, text) in captured.fields where !Self.wrongFields.contains(name) {
            #expect(own[name] == CMFields.value(text), "\(name)")
        }
    }

    // MARK: - Where tshark is wrong or says nothing

    /// The flow label is the one whose fold is the UDP source port of the connection's packets.
    @Test func `carry the flow label from which Linux makes the source port`() throws {
        guard case .req(let request) = try Self.message("verbtest", 0) else {
            Issue.record("the first packet is no REQ")
            return
        }
        let label = request.primaryPath.flowLabel
        #expect(label == 0x4280C && request.primaryPath.packetRate == 0)
        let port = 0xC000 | UInt16((label & 0x3FFF) ^ (label >> 14))
        let packets = try Capture.packets("verbtest").filter { $0.opcode.transport == .rc }
        #expect(!packets.isEmpty && packets.allSatisfy { $0.sourcePort == port })
    }

    @Test func `resolve a service of udaddy`() throws {
        let service = ServiceID(ipProtocol: 17, port: 7174)
        guard case .sidrReq(let request) = try Self.message("cm_udaddy", 0),
            case .sidrRep(let reply) = try Self.message("cm_udaddy", 1)
        else {
            Issue.record("other messages than SIDR_REQ and SIDR_REP")
            return
        }
        #expect(request.requestID == 0x9CCB_2294 && request.pKey == 0xFFFF && request.serviceID == service)
        let header = try IPCMHeader(parsing: request.privateData.bytes)
        #expect(header.source == GID(ipv4: 0x0A4D_0002) && header.destination == GID(ipv4: 0x0A4D_0003))
        #expect(header.sourcePort == 0xD5C0)
        #expect(reply.requestID == request.requestID && reply.status == .valid && reply.serviceID == service)
        #expect(reply.qpn == QPN(truncating: 0x26) && reply.qKey == 0x0123_4567)
        #expect(reply.additionalInformationByteCount == 0 && reply.privateData == FixedBytes())
    }

    @Test func `refuse a service that nobody offers`() throws {
        guard case .req(let request) = try Self.message("host_cm_rej", 0),
            case .rej(let reject) = try Self.message("host_cm_rej", 1)
        else {
            Issue.record("other messages than REQ and REJ")
            return
        }
        #expect(request.serviceID == ServiceID(ipProtocol: 6, port: 9999))
        #expect(reject.rejected == .req && reject.reason == .invalidServiceID)
        #expect(reject.localCommunicationID == 0 && reject.remoteCommunicationID == request.localCommunicationID)
    }
}
