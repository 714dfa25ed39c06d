import Segment
import SystemIO
import Wire

@testable import SoftHCA

/// Two connected queue pairs of one process, with a registered buffer each.
final class ConnectedPair {
    let context: Context
    let domain: ProtectionDomain
    let completions: [CompletionQueue]
    let queuePairs: [QueuePair]
    let regions: [MemoryRegion]
    let buffers: [UnsafeMutableRawBufferPointer]
    let byteCount: Int

    /// - Parameter policy: By which way the two reach each other.
    init(type: QueuePairType, byteCount: Int, policy: PathPolicy = .wire) throws {
        let device = try Device.enumerate()[0]
        let context = try Context(device: device)
        let domain = try ProtectionDomain(context: context)
        context.engine.policy = policy

        let completions = try (0..<2).map { _ in try CompletionQueue(context: context, capacity: 64) }
        let buffers = (0..<2).map { _ in
            UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 8), alignment: 4096)
        }

        self.regions = try buffers.map {
            try MemoryRegion(
                domain: domain,
                address: UInt64(UInt(bitPattern: $0.baseAddress)),
                byteCount: UInt64($0.count),
                iova: UInt64(UInt(bitPattern: $0.baseAddress)),
                access: [.localWrite, .remoteWrite, .remoteRead, .remoteAtomic]
            )
        }

        let queuePairs = try completions.map { queue in
            try QueuePair(
                domain: domain,
                QueuePairInit(
                    type: type,
                    sendQueue: queue,
                    receiveQueue: queue,
                    capabilities: QueuePairCapabilities(
                        sendRequests: 16,
                        receiveRequests: 16,
                        sendScatter: 1,
                        receiveScatter: 1
                    )
                )
            )
        }
        self.context = context
        self.domain = domain
        self.completions = completions
        self.buffers = buffers
        self.queuePairs = queuePairs
        self.byteCount = byteCount
        for (own, peer) in [(0, 1), (1, 0)] { try self.connect(queuePairs[own], to: queuePairs[peer]) }
    }

    private var gidIndex: Int {
        (0..<self.context.gidCount).first { self.context.gid(at: $0)?.gid.isIPv4Mapped == true } ?? 0
    }

    private func connect(_ queuePair: QueuePair, to peer: QueuePair) throws {
        let isDatagram = queuePair.type == .datagram
        var wanted = QueuePairAttributes()
        wanted.state = QueuePairState.initialized.rawValue
        wanted.port = 1
        wanted.access = .remote
        wanted.qKey = Self.qKey
        try queuePair.modify(wanted, mask: [.state, .pKeyIndex, .port, isDatagram ? .qKey : .access])
        wanted.state = QueuePairState.readyToReceive.rawValue
        wanted.pathMTU = 3
        wanted.destinationQP = peer.number
        wanted.receivePSN = 0xFF_FFF0
        wanted.readsMaxDestination = 4
        wanted.rnrTimer = 12
        wanted.primaryPath = self.path
        try queuePair.modify(wanted, mask: Self.receiveMask(queuePair.type))
        wanted.state = QueuePairState.readyToSend.rawValue
        wanted.timeout = 14
        wanted.retryCount = 7
        wanted.rnrRetryCount = 7
        wanted.sendPSN = 0xFF_FFF0
        wanted.readsMax = 4
        try queuePair.modify(wanted, mask: Self.sendMask(queuePair.type))
    }

    private static func receiveMask(_ type: QueuePairType) -> QueuePairAttributeMask {
        let connection: QueuePairAttributeMask = [.state, .addressVector, .pathMTU, .destinationQP, .receivePSN]
        switch type {
        case .datagram: return .state
        case .unreliableConnected, .extendedSend: return connection
        case .reliable, .extendedReceive: return connection.union([.readsMaxDestination, .rnrTimer])
        }
    }

    private static func sendMask(_ type: QueuePairType) -> QueuePairAttributeMask {
        switch type {
        case .datagram, .unreliableConnected: [.state, .sendPSN]
        case .extendedReceive: [.state, .sendPSN, .timeout]
        case .reliable, .extendedSend: [.state, .sendPSN, .timeout, .retryCount, .rnrRetryCount, .readsMax]
        }
    }

    private static var qKey: UInt32 { 0x1111_1111 }

    private var path: AddressAttributes {
        var path = AddressAttributes()
        path.port = 1
        path.isGlobal = true
        path.sourceGIDIndex = UInt8(self.gidIndex)
        path.destinationGID = self.context.gid(at: self.gidIndex)?.gid ?? .zero
        return path
    }

    func fillSource(seed: Int) {
        for index in 0..<self.byteCount { self.buffers[0][index] = UInt8(truncatingIfNeeded: index &* 31 &+ seed) }
    }

    var targetEqualsSource: Bool {
        self.buffers[0].prefix(self.byteCount).elementsEqual(self.buffers[1].prefix(self.byteCount))
    }

    private func element(_ index: Int) -> ScatterElement {
        ScatterElement(
            address: UInt64(UInt(bitPattern: self.buffers[index].baseAddress)),
            byteCount: UInt32(self.byteCount),
            lKey: self.regions[index].lKey
        )
    }

    var targetAddress: UInt64 { UInt64(UInt(bitPattern: self.buffers[1].baseAddress)) }

    /// Packets of the wire that the process has dealt with in some way.
    var takenPacketCount: UInt64 {
        let engine = self.context.engine
        return engine.lock.withLock {
            let counters = engine.counters
            return counters.receivedPackets + counters.unknownQueuePair + counters.malformedPackets
                + counters.strayPackets
        }
    }

    func postReceive(workRequestID: UInt64) -> Errno? {
        var element = self.element(1)
        return self.queuePairs[1].postReceive(workRequestID: workRequestID, elements: &element, count: 1)
    }

    func postSend(workRequestID: UInt64, opcode: UInt32, byteCount: UInt32? = nil) -> Errno? {
        _ = self.queuePairs[0].beginSend()
        let refusal = self.appendSend(workRequestID: workRequestID, opcode: opcode, byteCount: byteCount)
        self.queuePairs[0].commitSend()
        return refusal
    }

    /// The part of `postSend` between the beginning of the batch and its end.
    func appendSend(workRequestID: UInt64, opcode: UInt32, byteCount: UInt32? = nil) -> Errno? {
        var request = SendWorkRequest(workRequestID: workRequestID, opcode: opcode, flags: 2)
        request.remoteAddress = self.targetAddress
        request.rKey = self.regions[1].rKey
        var element = self.element(0)
        if let byteCount { element.byteCount = byteCount }
        request.remoteQP = self.queuePairs[1].number
        request.remoteQKey = Self.qKey
        let handle = try? AddressHandle(domain: self.domain, attributes: self.path)
        defer { try? handle?.close() }
        if let handle { request.addressHandle = .passUnretained(handle) }
        return self.queuePairs[0].appendSend(request, elements: &element, count: 1)
    }

    func waitForSend() -> WorkCompletion? { self.wait(on: self.completions[0]) }
    func waitForReceive() -> WorkCompletion? { self.wait(on: self.completions[1]) }

    private func wait(on queue: CompletionQueue) -> WorkCompletion? {
        let deadline = MonotonicClock.now + 20_000_000_000
        var found: WorkCompletion?
        while found == nil, MonotonicClock.now < deadline {
            _ = queue.poll(1) { _, completion in found = completion }
        }
        return found
    }

    func close() throws {
        for queuePair in self.queuePairs { try queuePair.close() }
        for region in self.regions { try region.close() }
        for queue in self.completions { try queue.close() }
        try self.domain.close()
        try self.context.close()
        for buffer in self.buffers { buffer.deallocate() }
    }
}
