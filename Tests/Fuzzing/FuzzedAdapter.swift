import HostRegistry
import Segment
import SystemIO
import Transport
import Wire

@testable import SoftHCA

/// A connected queue pair of the adapter, which takes packets as if they had come from its peer. Its region lies between
/// bytes that must stay as they are.
enum FuzzedAdapter {
    static func run(_ bytes: [UInt8]) {
        let adapter = self.shared
        var script = FuzzScript(bytes)
        adapter.connect()
        while let step = script.nextByte() {
            guard step & 7 != 7 else {
                adapter.postReceive()
                continue
            }
            guard let packet = script.nextPacket(expected: adapter.expectedPSN) else { continue }
            adapter.receive(packet)
        }
        adapter.settle()
    }

    private static let shared = Adapter()

    /// One for the process: opening a device takes milliseconds.
    private final class Adapter: @unchecked Sendable {
        private let context: Context
        private let domain: ProtectionDomain
        private let completions: CompletionQueue
        private let region: MemoryRegion
        private let queuePair: QueuePair
        private let buffer: UnsafeMutableRawBufferPointer
        private let origin: PacketOrigin
        private static let guardByteCount = 4096
        private static let regionByteCount = 5000
        private static let firstPSN: UInt32 = 0xFF_FFFC

        init() {
            do {
                let device = try Device.enumerate()[0]
                self.context = try Context(device: device)
                self.context.engine.policy = .wire
                self.domain = try ProtectionDomain(context: self.context)
                self.completions = try CompletionQueue(context: self.context, capacity: 256)
                self.buffer = .allocate(byteCount: 2 * Self.guardByteCount + Self.regionByteCount, alignment: 4096)
                _ = self.buffer.initializeMemory(as: UInt8.self, repeating: 0x5A)
                let address = UInt64(UInt(bitPattern: self.buffer.baseAddress)) + UInt64(Self.guardByteCount)
                self.region = try MemoryRegion(
                    domain: self.domain,
                    address: address,
                    byteCount: UInt64(Self.regionByteCount),
                    // Known to the corpus.
                    iova: 0x1000,
                    access: [.localWrite, .remoteWrite, .remoteRead, .remoteAtomic]
                )
                let capabilities = QueuePairCapabilities(
                    sendRequests: 4,
                    receiveRequests: 16,
                    sendScatter: 1,
                    receiveScatter: 1
                )
                self.queuePair = try QueuePair(
                    domain: self.domain,
                    QueuePairInit(
                        type: .reliable,
                        sendQueue: self.completions,
                        receiveQueue: self.completions,
                        capabilities: capabilities
                    )
                )
                let context = self.context
                let own = (0..<context.gidCount).first { context.gid(at: $0)?.gid.isIPv4Mapped == true } ?? 0
                var datagram = ReceivedDatagram()
                datagram.destination = IPAddress(context.gid(at: own)?.gid ?? .zero)
                datagram.source = SocketEndpoint(address: Self.peerAddress, port: 4791)
                self.origin = PacketOrigin(datagram, port: self.context.engine.membership.socket.port)
            } catch {
                fatalError("the adapter cannot be opened: \(error)")
            }
        }

        /// Whatever the adapter answers goes to nobody's queue pair.
        private static let peerAddress = IPAddress(ipv4: 0x7F00_0009)

        var expectedPSN: PSN { self.queuePair.rcResponder?.expectedPSN ?? PSN(truncating: 0) }

        /// RESET to RTS.
        func connect() {
            var wanted = QueuePairAttributes()
            wanted.port = 1
            wanted.access = .remote
            wanted.pathMTU = 1
            wanted.destinationQP = 3
            wanted.receivePSN = Self.firstPSN
            wanted.sendPSN = 1
            wanted.readsMax = 2
            wanted.readsMaxDestination = 2
            wanted.rnrTimer = 1
            wanted.timeout = 14
            wanted.retryCount = 1
            wanted.rnrRetryCount = 1
            wanted.primaryPath.port = 1
            wanted.primaryPath.isGlobal = true
            let own = (0..<self.context.gidCount).first { self.context.gid(at: $0)?.gid.isIPv4Mapped == true } ?? 0
            wanted.primaryPath.sourceGIDIndex = UInt8(own)
            wanted.primaryPath.destinationGID = GID(Self.peerAddress)
            let steps: [(QueuePairState, QueuePairAttributeMask)] = [
                (.reset, .state), (.initialized, [.state, .pKeyIndex, .port, .access]),
                (
                    .readyToReceive,
                    [.state, .addressVector, .pathMTU, .destinationQP, .receivePSN, .readsMaxDestination, .rnrTimer]
                ),
                (.readyToSend, [.state, .sendPSN, .timeout, .retryCount, .rnrRetryCount, .readsMax]),
            ]
            for (state, mask) in steps {
                wanted.state = state.rawValue
                do { try self.queuePair.modify(wanted, mask: mask) } catch { fatalError("\(state): \(error)") }
            }
            for _ in 0..<4 { self.postReceive() }
        }

        func postReceive() {
            var element = ScatterElement(
                address: 0x1000,
                byteCount: UInt32(Self.regionByteCount),
                lKey: self.region.lKey
            )
            _ = self.queuePair.postReceive(workRequestID: 1, elements: &element, count: 1)
        }

        /// Takes a packet with the right number, and for keys that begin with 0xAA the right key.
        func receive(_ packet: [UInt8]) {
            var packet = packet
            packet[2] = 0xFF
            packet[3] = 0xFF
            for index in 0..<3 {
                packet[5 + index] = UInt8(truncatingIfNeeded: self.queuePair.number >> UInt32(16 - 8 * index))
            }
            let opcode = Opcode(rawValue: packet[0])
            let keyOffset = BTH.byteCount + 8
            if opcode.hasRETH || opcode.hasAtomicETH, packet.count >= keyOffset + 4, packet[keyOffset] == 0xAA {
                for index in 0..<4 {
                    packet[keyOffset + index] = UInt8(truncatingIfNeeded: self.region.rKey >> UInt32(24 - 8 * index))
                }
            }
            packet += [0, 0, 0, 0]
            Self.seal(&packet, over: self.origin.icrc)
            let engine = self.context.engine
            let now = Timestamp(nanoseconds: MonotonicClock.now)
            engine.lock.withLock {
                engine.receive(
                    packet.span.bytes,
                    for: .passUnretained(self.queuePair),
                    index: 0,
                    origin: self.origin,
                    now: now
                )
                engine.serveTouched(now: now)
                engine.flush()
            }
        }

        private static func seal(_ packet: inout [UInt8], over path: ICRCPath) {
            var span = packet.mutableSpan
            var raw = span.mutableBytes
            path.seal(&raw, using: ISALCRC32.self)
        }

        /// Takes the completions, and looks whether anything outside of the region has changed.
        func settle() {
            if self.completions.makeProgressIfEmpty(), self.completions.beginPoll() {
                var completion = WorkCompletion()
                while self.completions.nextCompletion(&completion) {}
                self.completions.endPoll()
            }
            let end = Self.guardByteCount + Self.regionByteCount
            let isUntouched =
                self.buffer[..<Self.guardByteCount].allSatisfy { $0 == 0x5A }
                && self.buffer[end...].allSatisfy { $0 == 0x5A }
            precondition(isUntouched, "memory outside of the region was written")
        }
    }
}
