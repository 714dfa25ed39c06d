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
        if !self.batch.accepts(path, byteCount: byteCount) { self.flush() }
        guard !self.isBlocked else {
            // The socket is full and the batch holds other packets: this one is lost, as on a full link.
            self.counters.refusedPackets += 1
            return true
        }
        let isFilled = unsafe self.batch.append(header, payloadByteCount: payloadByteCount, path: path, fill: fill)
        if isFilled { self.counters.sentPackets += 1 }
        return isFilled
    }
}
