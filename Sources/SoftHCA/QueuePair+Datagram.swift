internal import Segment
internal import SystemIO
internal import Transport
internal import Wire

// Unreliable datagrams: no connection, no acknowledgement, one packet a message (IBTA Volume 1, section 9.8.3).

extension QueuePair {
    /// A Q_Key with this bit set in a request means the queue pair's own (IBTA Volume 1, section 10.2.5).
    private static var controlledQKey: UInt32 { 1 << 31 }

    /// Sends one datagram and completes its request. Nobody will ever know whether it arrives.
    internal func sendDatagram(_ request: SendRequest, slot index: Int) {
        guard self.state == .readyToSend else {
            self.complete(slot: index, status: .flushed)
            return
        }
        var status = request.localStatus
        if request.byteCount > self.mtu.byteCount { status = .localLengthError }
        guard status == .success else {
            self.failDatagram(slot: index, status: status)
            return
        }
        let slot = self.sendQueue[index]
        let qKey = slot.remoteQKey & Self.controlledQKey == 0 ? slot.remoteQKey : self.attributes.qKey
        let path = self.sendQueue.path(of: index)
        if let peer = unsafe self.engine.datagramPeer(owning: QPN(truncating: slot.remoteQP), over: path) {
            // SAFETY: the directory keeps the peer as long as the lock is held.
            let isSent = unsafe peer._withUnsafeGuaranteedRef {
                self.deliverDatagram(request, slot: index, qKey: qKey, over: path, to: $0)
            }
            if isSent {
                self.complete(slot: index, status: .success)
            } else {
                self.failDatagram(slot: index, status: .localProtectionError)
            }
            return
        }
        let header = PacketHeader(
            bth: BTH(
                opcode: request.hasImmediate ? .udSendOnlyWithImmediate : .udSendOnly,
                isSolicited: request.isSolicited,
                padCount: UInt8(truncatingIfNeeded: (4 - request.byteCount & 3) & 3),
                destQP: QPN(truncating: slot.remoteQP),
                psn: self.datagramPSN
            ),
            deth: DETH(qKey: qKey, sourceQP: self.qpn),
            immediate: request.immediate
        )
        self.datagramPSN = self.datagramPSN.advanced(by: 1)
        let byteCount = Int(request.byteCount)
        let isSent = unsafe self.engine.transmit(header, payloadByteCount: byteCount, path: path) { target in
            // SAFETY: the batch has room for a message of the largest MTU.
            unsafe self.gather(slot: index, messageOffset: 0, byteCount: byteCount, into: target)
        }
        if isSent {
            self.complete(slot: index, status: .success)
        } else {
            self.failDatagram(slot: index, status: .localProtectionError)
        }
    }

    /// Delivers a datagram to a process of this host.
    ///
    /// - Returns: false when the memory of the request is not accessible.
    private func deliverDatagram(
        _ request: SendRequest,
        slot index: Int,
        qKey: UInt32,
        over path: WirePath,
        to peer: DirectPeer
    ) -> Bool {
        let byteCount = Int(request.byteCount)
        let room = unsafe self.engine.scratch.datagram
        guard let base = room.baseAddress,
            unsafe self.gather(slot: index, messageOffset: 0, byteCount: byteCount, into: base + GRH.byteCount)
        else { return false }
        // SAFETY: the room begins with the bytes of a global route.
        var span = unsafe MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: room[..<GRH.byteCount]))
        let wire = PacketHeader(
            bth: BTH(
                opcode: request.hasImmediate ? .udSendOnlyWithImmediate : .udSendOnly,
                destQP: self.qpn,
                psn: self.datagramPSN
            )
        )
        self.route(wire, payloadByteCount: byteCount, path).encode(into: &span)
        let slot = self.sendQueue[index]
        let datagram = unsafe DirectDatagram(
            bytes: UnsafeRawBufferPointer(rebasing: room[..<(GRH.byteCount + byteCount)]),
            sourceQP: self.number,
            destQP: slot.remoteQP,
            qKey: qKey,
            hasImmediate: request.hasImmediate,
            immediate: request.immediate,
            isSolicited: request.isSolicited
        )
        switch datagram.deliver(to: peer, receive: &self.engine.datagramReceive) {
        case .delivered: break
        case .refused: self.engine.counters.wrongSender += 1
        case .dropped: self.engine.counters.droppedDatagrams += 1
        }
        return true
    }

    /// The global route in front of a datagram, as it would arrive over the wire.
    private func route(_ header: PacketHeader, payloadByteCount: Int, _ path: WirePath) -> GRH {
        let padCount = (4 - payloadByteCount & 3) & 3
        return GRH(
            trafficClass: path.trafficClass,
            payloadByteCount: UInt16(8 + header.byteCount + payloadByteCount + padCount + ICRCPath.byteCount),
            hopLimit: path.hopLimit,
            sourceGID: GID(path.source),
            destinationGID: GID(path.destination.address)
        )
    }

    private func failDatagram(slot: Int, status: CompletionStatus) {
        self.complete(slot: slot, status: status)
        self.state = .sendError
        self.publish()
    }

    /// Takes a datagram, with the global route in front of it, into the next receive request.
    internal func receiveDatagram(_ header: PacketHeader, payload: RawSpan, origin: PacketOrigin) {
        let opcode = header.bth.opcode
        guard opcode.transport == .ud, self.state.canReceive else { return }
        guard header.deth.qKey == self.attributes.qKey else {
            self.engine.counters.wrongSender += 1
            return
        }
        var memory = ResponderMemory(self)
        // A request that a datagram did not fit into is still there for the next one.
        guard self.receive.isActive || memory.beginReceive() == .ready,
            self.receive.descriptor.byteCount >= UInt64(GRH.byteCount + payload.byteCount)
        else {
            self.engine.counters.droppedDatagrams += 1
            return
        }
        let udpByteCount = 8 + header.byteCount + payload.byteCount + Int(header.bth.padCount) + ICRCPath.byteCount
        let route = GRH(
            trafficClass: origin.trafficClass,
            payloadByteCount: UInt16(truncatingIfNeeded: udpByteCount),
            hopLimit: origin.hopLimit,
            sourceGID: GID(origin.source),
            destinationGID: GID(origin.destination)
        )
        var bytes = InlineArray<40, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        // SAFETY: every byte is a valid UInt8.
        var raw = unsafe span.mutableBytes
        route.encode(into: &raw)
        // SAFETY: every byte of the array is initialised.
        var status = unsafe memory.placeReceive(messageOffset: 0, payload: bytes.span.bytes)
        if status == .success {
            status = memory.placeReceive(messageOffset: UInt32(GRH.byteCount), payload: payload)
        }
        self.completeDatagram(header, byteCount: payload.byteCount, status: status)
    }

    private func completeDatagram(_ header: PacketHeader, byteCount: Int, status: CompletionStatus) {
        self.receive.isActive = false
        var completion = WorkCompletion()
        completion.workRequestID = self.receive.descriptor.workRequestID
        completion.status = UInt32(status.rawValue)
        completion.opcode = WorkCompletion.Opcode.receive
        completion.byteCount = UInt32(GRH.byteCount + byteCount)
        completion.qpNumber = self.number
        completion.sourceQP = header.deth.sourceQP.rawValue
        completion.flags = WorkCompletion.Flag.globalRoute
        if header.bth.opcode.hasImmediate {
            completion.flags |= WorkCompletion.Flag.immediate
            completion.immediateOrKey = header.immediate.bigEndian
        }
        self.report(completion, to: self.receiveCompletions, isSolicited: header.bth.isSolicited)
        if status != .success { self.enterError() }
    }
}
