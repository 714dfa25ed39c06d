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
            self.receive(
                bytes,
                index: index,
                origin: origin,
                datagram: datagram,
                isForwarded: isForwarded,
                now: now
            )
            offset += byteCount
            index += 1
        }
    }

    /// One packet: finds its queue pair, checks the ICRC, and hands it over.
    private func receive(
        _ bytes: RawSpan,
        index: Int,
        origin: PacketOrigin,
        datagram: ReceivedDatagram,
        isForwarded: Bool,
        now: Timestamp
    ) {
        guard bytes.byteCount >= BTH.byteCount + ICRCPath.byteCount else {
            self.counters.malformedPackets += 1
            return
        }
        let number = QPN(truncating: bytes.bigEndian(at: 4, as: UInt32.self))
        guard let queuePair = unsafe self.queuePairs[number] else {
            self.receiveForNobody(bytes, number: number, datagram: datagram, isForwarded: isForwarded)
            return
        }
        self.counters.receivedPackets += 1
        let likely = UInt16(truncatingIfNeeded: index)
        guard origin.icrc.identification(proving: bytes, likely: likely, using: ISALCRC32.self) != nil else {
            self.counters.wrongICRC += 1
            return
        }
        let packet = bytes.extracting(droppingLast: ICRCPath.byteCount)
        guard let header = try? PacketHeader(parsing: packet) else {
            self.counters.malformedPackets += 1
            return
        }
        // SAFETY: whatever is in the directory is alive.
        unsafe queuePair._withUnsafeGuaranteedRef { queuePair in
            queuePair.receive(header, payload: header.payload(of: packet), origin: origin, now: now)
            self.touch(queuePair)
        }
    }

    /// A packet for no queue pair of this process: a probe of the registry, one for a neighbour, or nonsense.
    private func receiveForNobody(_ bytes: RawSpan, number: QPN, datagram: ReceivedDatagram, isForwarded: Bool) {
        if number == IndexProbe.destQP {
            self.membership.handleProbe(bytes)
        } else if isForwarded || self.membership.owns(number) {
            self.counters.unknownQueuePair += 1
        } else {
            self.counters.strayPackets += 1
            // SAFETY: the bytes live until the call returns.
            unsafe bytes.withUnsafeBytes { bytes in
                _ = unsafe self.membership.handleStray(bytes, datagram)
            }
        }
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
