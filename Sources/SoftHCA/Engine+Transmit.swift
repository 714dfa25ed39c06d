internal import SystemIO
internal import Wire

extension Engine {
    /// Builds a packet in the batch, and sends the batch first if the packet does not fit to it.
    ///
    /// - Parameter fill: Writes the payload, or returns false, and then nothing is sent.
    /// - Returns: What `fill` returned.
    @discardableResult
    internal func transmit(
        _ header: PacketHeader,
        payloadByteCount: Int,
        path: WirePath,
        fill: (UnsafeMutableRawPointer) -> Bool
    ) -> Bool {
        let byteCount = header.byteCount + payloadByteCount + Int(header.bth.padCount) + ICRCPath.byteCount
        if !self.batch.accepts(header, path: path, byteCount: byteCount) {
            self.flush()
            if self.isBlocked {
                // The socket is full and the batch must be kept. Whoever transmits stops here, after this packet.
                guard self.spare.accepts(header, path: path, byteCount: byteCount) else {
                    self.counters.refusedPackets += 1
                    return true
                }
                return unsafe self.append(header, payloadByteCount, path, to: &self.spare, fill)
            }
        }
        return unsafe self.append(header, payloadByteCount, path, to: &self.batch, fill)
    }

    private func append(
        _ header: PacketHeader,
        _ payloadByteCount: Int,
        _ path: WirePath,
        to batch: inout TransmitBatch,
        _ fill: (UnsafeMutableRawPointer) -> Bool
    ) -> Bool {
        let isFilled = unsafe batch.append(header, payloadByteCount: payloadByteCount, path: path, fill: fill)
        if isFilled { self.counters.sentPackets += 1 }
        return isFilled
    }
}
