internal import HostRegistry
internal import SystemIO
internal import Transport
internal import Wire

extension Engine {
    /// Datagrams taken in one round, so that a flood does not keep an application from its completions.
    private static var roundMax: Int { 32 }

    /// Takes what lies in the socket, and serves the queue pairs it was for. The caller holds the lock.
    ///
    /// - Returns: Whether anything was there.
    internal func receiveAll(now: Timestamp) -> Bool {
        for round in 0..<Self.roundMax {
            guard let datagram = self.receiveOne() else { return round > 0 }
            self.split(datagram, isForwarded: false, now: now)
            self.serveTouched(now: now)
        }
        return true
    }

    /// The next train of packets in `receiveBuffer`.
    private func receiveOne() -> ReceivedDatagram? {
        do throws(Errno) {
            // SAFETY: the buffer lives as long as the engine.
            return try unsafe self.membership.socket.receive(into: self.receiveBuffer)
        } catch {
            self.counters.refusedReceives += 1
            return nil
        }
    }

    /// Cuts a train, which the kernel joined from packets of one size, into its packets.
    private func split(_ datagram: ReceivedDatagram, isForwarded: Bool, now: Timestamp) {
        guard !datagram.isTruncated, datagram.segmentByteCount > 0 else {
            self.counters.malformedPackets += 1
            return
        }
        let origin = PacketOrigin(datagram, port: self.membership.socket.port)
        var offset = 0
        var index = 0
        while offset < datagram.byteCount {
            let byteCount = min(datagram.segmentByteCount, datagram.byteCount - offset)
            // SAFETY: `offset + byteCount` lies inside what was received into the buffer.
            let bytes = unsafe RawSpan(
                _unsafeBytes: UnsafeRawBufferPointer(rebasing: self.receiveBuffer[offset..<offset + byteCount])
            )
            offset += byteCount
            guard bytes.byteCount >= BTH.byteCount + ICRCPath.byteCount else {
                self.counters.malformedPackets += 1
                continue
            }
            let number = BTH.destQP(of: bytes)
            if let queuePair = unsafe self.queuePairs[number] {
                unsafe self.receive(bytes, for: queuePair, index: index, origin: origin, now: now)
            } else if number == QPN.multicast {
                self.receiveMulticast(bytes, index: index, origin: origin)
            } else if number == QPN.generalServices, self.membership.isServiceOwner {
                self.receiveManagement(bytes, index: index, origin: origin, now: now)
            } else if isForwarded || !self.isStray(number) {
                self.receiveForNobody(bytes, number: number)
            } else {
                self.handOn(from: offset - byteCount, datagram, number: number, continuing: &offset)
            }
            index += 1
        }
    }

    /// One packet: checks the ICRC, and hands it over.
    @unsafe
    internal func receive(
        _ bytes: RawSpan,
        for queuePair: Unmanaged<QueuePair>,
        index: Int,
        origin: PacketOrigin,
        now: Timestamp
    ) {
        guard let header = self.verifiedHeader(of: bytes, index: index, origin: origin) else { return }
        let packet = bytes.extracting(droppingLast: ICRCPath.byteCount)
        // SAFETY: whatever is in the directory is alive.
        unsafe queuePair._withUnsafeGuaranteedRef { queuePair in
            queuePair.receive(header, payload: header.payload(of: packet), origin: origin, now: now)
            self.touch(queuePair)
        }
    }

    /// A datagram to a multicast group: each queue pair that is attached gets it.
    private func receiveMulticast(_ bytes: RawSpan, index: Int, origin: PacketOrigin) {
        let key = MulticastTable.Key(group: GID(origin.destination), interfaceIndex: origin.interfaceIndex)
        guard self.multicast.hasMembers(key) else {
            self.counters.unknownQueuePair += 1
            return
        }
        guard let header = self.verifiedHeader(of: bytes, index: index, origin: origin) else { return }
        let packet = bytes.extracting(droppingLast: ICRCPath.byteCount)
        self.multicast.forEach(key) { queuePair in
            guard !queuePair.isOwnMulticast(header, origin: origin) else { return }
            queuePair.receiveDatagram(header, payload: header.payload(of: packet), origin: origin)
            self.touch(queuePair)
        }
    }

    /// The headers of a packet whose ICRC and P_Key are right; else `nil`, and counted.
    @inline(__always)
    internal func verifiedHeader(of bytes: RawSpan, index: Int, origin: PacketOrigin) -> PacketHeader? {
        self.counters.receivedPackets += 1
        let likely = UInt16(truncatingIfNeeded: index)
        guard origin.icrc.identification(proving: bytes, likely: likely, using: ISALCRC32.self) != nil else {
            self.counters.wrongICRC += 1
            return nil
        }
        guard let header = try? PacketHeader(parsing: bytes.extracting(droppingLast: ICRCPath.byteCount)) else {
            self.counters.malformedPackets += 1
            return nil
        }
        // The table of P_Keys has the default one only, of which a sender may be a full or a limited member.
        guard header.bth.pKey & 0x7FFF == 0x7FFF else {
            self.counters.wrongSender += 1
            return nil
        }
        return header
    }

    /// Whether a packet for this number belongs to another process of the host.
    private func isStray(_ number: QPN) -> Bool {
        number != IndexProbe.destQP && !self.membership.owns(number)
    }

    /// A packet for no queue pair of any process: a probe of the registry, or nonsense.
    private func receiveForNobody(_ bytes: RawSpan, number: QPN) {
        if number == IndexProbe.destQP {
            self.membership.handleProbe(bytes)
        } else {
            self.counters.unknownQueuePair += 1
        }
    }

    /// Hands on the packets of a train from `start` as far as they are for one queue pair.
    private func handOn(from start: Int, _ datagram: ReceivedDatagram, number: QPN, continuing end: inout Int) {
        self.counters.strayPackets += 1
        while end + BTH.byteCount <= datagram.byteCount {
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: self.receiveBuffer[end..<end + BTH.byteCount])
            // SAFETY: the twelve bytes lie inside what was received.
            guard BTH.destQP(of: unsafe RawSpan(_unsafeBytes: bytes)) == number else { break }
            self.counters.strayPackets += 1
            end = min(end + datagram.segmentByteCount, datagram.byteCount)
        }
        // SAFETY: the bytes were received, and live until the call returns.
        _ = unsafe self.membership.handleStray(
            UnsafeRawBufferPointer(rebasing: self.receiveBuffer[start..<end]),
            datagram
        )
    }
}

// MARK: - Handed on

extension Engine {
    /// Takes the packets that other processes of this host received for this one. The caller holds the lock.
    internal func receiveForwarded() {
        let now = Timestamp(nanoseconds: MonotonicClock.now)
        for _ in 0..<Self.roundMax {
            // SAFETY: the buffer lives as long as the engine.
            let datagram = unsafe try? self.membership.receiveForwarded(into: self.receiveBuffer)
            guard let datagram else { break }
            self.split(datagram, isForwarded: true, now: now)
            self.serveTouched(now: now)
        }
        self.flush()
    }
}
