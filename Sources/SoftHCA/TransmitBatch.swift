internal import HostRegistry
internal import SystemIO
internal import Wire

/// Packets on their way to the socket: consecutive packets of one path and one size leave in one call, cut apart again
/// by the kernel (UDP_SEGMENT). The last of them may be shorter.
///
/// The ICRC covers the IPv4 identification, which the kernel makes the index of the segment, so the index of a packet
/// in its batch is fixed when it is built.
@safe
internal struct TransmitBatch: ~Copyable {
    /// The kernel takes at most this many segments in a call (UDP_MAX_SEGMENTS), and a call has at most 64 KiB.
    static var segmentCountMax: Int { 64 }
    static var byteCountMax: Int { 65_507 - 40 }
    /// BTH, every extension header, 4096 bytes of payload, 3 of padding and the ICRC stay below this.
    static var packetByteCountMax: Int { 4096 + 128 }

    // SAFETY: allocated for `byteCountMax + packetByteCountMax` bytes from `init` until `deinit`.
    private let base: UnsafeMutableRawPointer
    private var path = WirePath()
    private var byteCount = 0
    private var segmentByteCount = 0
    private var segmentCount = 0
    private var isClosed = false
    /// The queue pair that the first packet goes to.
    private var destQP = QPN(truncating: 0)

    init() {
        unsafe self.base = .allocate(byteCount: Self.byteCountMax + Self.packetByteCountMax, alignment: 64)
    }

    deinit {
        unsafe self.base.deallocate()
    }
}

// MARK: - Building

extension TransmitBatch {
    var isEmpty: Bool { self.segmentCount == 0 }

    /// Whether a packet of this size may join what is here. If not, ``send(through:)`` first.
    ///
    /// The receiver's kernel gives a whole train to the process of its first packet, so all of them must be for one
    /// process, or, as other implementations number differently, for the range of numbers that one process has here.
    func accepts(_ header: PacketHeader, path: WirePath, byteCount: Int) -> Bool {
        if self.isEmpty { return true }
        return !self.isClosed && self.segmentCount < Self.segmentCountMax
            && QPNBlock(containing: header.bth.destQP) == QPNBlock(containing: self.destQP)
            && byteCount <= self.segmentByteCount && self.byteCount + byteCount <= Self.byteCountMax
            && self.path.leadsTheSameWay(as: path)
    }

    /// Appends a packet: header, payload written by `fill`, padding, ICRC.
    ///
    /// - Parameter fill: Writes the whole payload, or returns false, and then nothing is appended.
    /// - Returns: What `fill` returned.
    mutating func append(
        _ header: PacketHeader,
        payloadByteCount: Int,
        path: WirePath,
        fill: (UnsafeMutableRawPointer) -> Bool
    ) -> Bool {
        let headerByteCount = header.byteCount
        let padByteCount = Int(header.bth.padCount)
        let coveredByteCount = headerByteCount + payloadByteCount + padByteCount
        let byteCount = coveredByteCount + ICRCPath.byteCount
        precondition(byteCount <= Self.packetByteCountMax, "a packet is never larger than the largest path MTU")
        assert(self.accepts(header, path: path, byteCount: byteCount))
        let start = unsafe self.base + self.byteCount
        guard unsafe fill(start + headerByteCount) else { return false }
        unsafe (start + headerByteCount + payloadByteCount).initializeMemory(
            as: UInt8.self,
            repeating: 0,
            count: padByteCount
        )

        // SAFETY: `byteCount` bytes from `start` lie inside the allocation, as checked above.
        var bytes = unsafe MutableRawSpan(_unsafeStart: start, byteCount: byteCount)
        header.encode(into: &bytes)
        path.icrc.seal(
            &bytes,
            identification: UInt16(truncatingIfNeeded: self.segmentCount),
            using: ISALCRC32.self
        )
        if self.isEmpty {
            self.path = path
            self.segmentByteCount = byteCount
            self.destQP = header.bth.destQP
        }
        self.isClosed = byteCount < self.segmentByteCount
        self.byteCount += byteCount
        self.segmentCount += 1
        return true
    }
}

// MARK: - Sending

extension TransmitBatch {
    /// What became of a batch.
    enum Outcome: Equatable {
        case sent
        /// The socket is full; the batch is kept and must be sent again.
        case blocked
        /// The kernel refused; the packets are gone, as if the network had lost them.
        case lost(Errno)
    }

    mutating func send(through socket: borrowing UDPSocket) -> Outcome {
        guard !self.isEmpty else { return .sent }
        var outcome = Outcome.sent
        do {
            try unsafe socket.send(
                UnsafeRawBufferPointer(start: self.base, count: self.byteCount),
                segmentByteCount: self.segmentByteCount,
                to: self.path.destination,
                from: self.path.source,
                interfaceIndex: self.path.interfaceIndex,
                trafficClass: self.path.trafficClass,
                hopLimit: self.path.hopLimit
            )
        } catch {
            if error == .wouldBlock { return .blocked }
            outcome = .lost(error)
        }
        self.byteCount = 0
        self.segmentCount = 0
        self.isClosed = false
        return outcome
    }
}

extension WirePath {
    /// Whether packets of both paths may leave in one call.
    internal func leadsTheSameWay(as other: WirePath) -> Bool {
        self.destination == other.destination && self.source == other.source
            && self.interfaceIndex == other.interfaceIndex && self.trafficClass == other.trafficClass
            && self.hopLimit == other.hopLimit
    }
}
