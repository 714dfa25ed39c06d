package import Wire

/// The packets of the unreliable datagram service (IBTA Volume 1, section 9.8.1). A message is one packet, so there is no
/// state beyond the PSN that the sender counts.
package enum UDPacket {
    /// The headers of a datagram.
    ///
    /// - Parameters:
    ///   - psn: counted by the sender; receivers ignore it.
    ///   - payloadByteCount: 0 … path MTU.
    ///   - immediate: in host byte order, or `nil` for none.
    package static func header(
        destQP: QPN,
        sourceQP: QPN,
        qKey: UInt32,
        psn: PSN,
        payloadByteCount: Int,
        immediate: UInt32? = nil,
        isSolicited: Bool = false
    ) -> PacketHeader {
        precondition((0...Int(PathMTU.bytes4096.byteCount)).contains(payloadByteCount), "a datagram is one packet")
        return PacketHeader(
            bth: BTH(
                opcode: immediate == nil ? .udSendOnly : .udSendOnlyWithImmediate,
                isSolicited: isSolicited,
                padCount: UInt8(truncatingIfNeeded: (0 &- payloadByteCount) & 3),
                destQP: destQP,
                psn: psn
            ),
            deth: DETH(qKey: qKey, sourceQP: sourceQP),
            immediate: immediate ?? 0
        )
    }

    /// What to do with a datagram that arrived.
    package enum Verdict: Hashable, Sendable {
        case accept
        /// Not a datagram. Dropped.
        case notDatagram
        /// The Q_Key does not fit. Dropped, and counted.
        case wrongQKey
    }

    /// Whether a queue pair with this Q_Key takes a packet.
    package static func verdict(on header: PacketHeader, qKey: UInt32) -> Verdict {
        let opcode = header.bth.opcode
        guard opcode == .udSendOnly || opcode == .udSendOnlyWithImmediate else { return .notDatagram }
        return header.deth.qKey == qKey ? .accept : .wrongQKey
    }
}
