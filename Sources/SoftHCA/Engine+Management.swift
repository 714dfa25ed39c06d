internal import HostRegistry
internal import SystemIO
internal import Transport
internal import Wire

// What arrives at queue pair 1. No process listens there, so who asks for a connection is told so at once. The kernel gives these
// datagrams to one process of the host, the owner of the service; a process that gets one astray hands it on.

extension Engine {
    /// The Q_Key of the general services interface (IBTA Volume 1, section 10.2.5).
    private static var managementQKey: UInt32 { 0x8001_0000 }

    /// Answers a message of connection management, or counts it. The caller holds the lock.
    internal func receiveManagement(_ bytes: RawSpan, index: Int, origin: PacketOrigin, now: Timestamp) {
        guard let header = self.verifiedHeader(of: bytes, index: index, origin: origin) else { return }
        guard header.bth.opcode == .udSendOnly, header.deth.qKey == Self.managementQKey,
            !GID(origin.source).isMulticast, !GID(origin.destination).isMulticast
        else {
            self.counters.wrongSender += 1
            return
        }
        let packet = bytes.extracting(droppingLast: ICRCPath.byteCount)
        guard let question = try? CM.Datagram(parsing: header.payload(of: packet)) else {
            self.counters.malformedPackets += 1
            return
        }
        guard let answer = ConnectionRefusal.answer(to: question), self.connectionRefusals.bucket.take(now: now) else {
            self.counters.unansweredManagement += 1
            return
        }
        self.counters.connectionRefusals += 1
        self.send(
            answer,
            destQP: header.deth.sourceQP,
            path: WirePath(backTo: origin, port: self.membership.socket.port)
        )
    }

    private func send(_ datagram: CM.Datagram, destQP: QPN, path: WirePath) {
        let header = UDPacket.header(
            destQP: destQP,
            sourceQP: QPN.generalServices,
            qKey: Self.managementQKey,
            psn: self.connectionRefusals.psn,
            payloadByteCount: CM.Datagram.byteCount
        )
        self.connectionRefusals.psn = self.connectionRefusals.psn.advanced(by: 1)
        unsafe self.transmit(header, payloadByteCount: CM.Datagram.byteCount, path: path) { target in
            // SAFETY: the batch has room for the payload that was announced.
            var span = unsafe MutableRawSpan(_unsafeStart: target, byteCount: CM.Datagram.byteCount)
            datagram.encode(into: &span)
            return true
        }
    }
}
