import Testing
import Wire

@testable import Transport

@Suite("UD packets")
struct UDPacketTests {
    @Test func `a datagram carries Q_Key, source and immediate`() {
        let header = UDPacket.header(
            destQP: QPN(truncating: 3),
            sourceQP: QPN(truncating: 4),
            qKey: 0x1111_1111,
            psn: PSN(truncating: 5),
            payloadByteCount: 6,
            immediate: 7,
            isSolicited: true
        )
        #expect(header.bth.opcode == .udSendOnlyWithImmediate)
        #expect(header.bth.destQP.rawValue == 3 && header.bth.psn.rawValue == 5)
        #expect(header.bth.padCount == 2 && header.bth.isSolicited)
        #expect(header.deth == DETH(qKey: 0x1111_1111, sourceQP: QPN(truncating: 4)))
        #expect(header.immediate == 7)
        #expect(UDPacket.verdict(on: header, qKey: 0x1111_1111) == .accept)
        #expect(UDPacket.verdict(on: header, qKey: 0x1111_1112) == .wrongQKey)
    }

    @Test func `without immediate the opcode says so`() {
        let header = UDPacket.header(
            destQP: QPN(truncating: 3),
            sourceQP: QPN(truncating: 4),
            qKey: 1,
            psn: PSN(truncating: 5),
            payloadByteCount: 4096
        )
        #expect(header.bth.opcode == .udSendOnly && header.bth.padCount == 0)
    }

    @Test func `a packet of a connection is no datagram`() {
        let header = PacketHeader(bth: BTH(opcode: .rcSendOnly, destQP: QPN(truncating: 1), psn: PSN(truncating: 1)))
        #expect(UDPacket.verdict(on: header, qKey: 0) == .notDatagram)
    }
}
