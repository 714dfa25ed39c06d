package import Wire

/// Tells the peer of a connection that its packets arrive with a congestion mark (RoCEv2: IBTA Annex A17, section
/// A17.9.3): a congestion notification packet, and after it none for a while.
package struct CongestionNotifier: Sendable {
    private let destQP: QPN
    private var silentUntil = Timestamp(nanoseconds: 0)
    private var isDue = false

    package init(destQP: QPN) {
        self.destQP = destQP
    }

    /// Marks arrive in crowds, and the sender needs to know once in a round trip. As adapters have it.
    package static var intervalNanoseconds: UInt64 { 50_000 }
    /// Zeros that stand where other packets have their payload.
    package static var payloadByteCount: Int { 16 }

    /// A packet of the peer arrived marked.
    package mutating func noteMark(now: Timestamp) {
        guard self.silentUntil <= now else { return }
        self.silentUntil = now.advanced(byNanoseconds: Self.intervalNanoseconds)
        self.isDue = true
    }

    /// The notification to send now, with `payloadByteCount` zeros behind it.
    package mutating func pollTransmit() -> PacketHeader? {
        guard self.isDue else { return nil }
        self.isDue = false
        return PacketHeader(
            bth: BTH(
                opcode: .cnp,
                isBackwardCongestion: true,
                destQP: self.destQP,
                psn: PSN(truncating: 0)
            )
        )
    }
}
