import HostRegistry
import SystemIO
import TestSupport
import Transport
import Wire

@testable import SoftHCA

/// Somebody on the network who builds packets by hand and sends them to a process's queue pairs, from any address of
/// 127.0.0.0/8 or from the very address that the peer has.
final class Attacker {
    private let socket: UDPSocket
    let victim: ConnectedPair
    /// The address of both queue pairs of the victim.
    let address: IPAddress
    var random: SeededGenerator
    private(set) var sentCount = 0
    /// Sends no more than the victim's socket holds. Not when the caller keeps the victim from receiving.
    var waitsForVictim = true

    init(on victim: ConnectedPair, seed: UInt64 = 1) throws {
        self.socket = try UDPSocket(port: 0)
        self.victim = victim
        // Datagrams have no path that the queue pair knows.
        let context = victim.context
        let gids = (0..<context.gidCount).compactMap { context.gid(at: $0)?.gid }
        self.address = IPAddress(gids.first(where: \.isIPv4Mapped) ?? .zero)
        self.random = SeededGenerator(seed: seed)
    }

    /// Where nobody has a connection to.
    var strangeAddress: IPAddress { IPAddress(ipv4: 0x7F00_0063) }

    /// The queue pair that receives, and what it expects next.
    var target: QueuePair { self.victim.queuePairs[1] }
    var expectedPSN: PSN { self.target.rcResponder?.expectedPSN ?? PSN(truncating: 0) }

    // MARK: - Packets

    func header(
        _ opcode: Opcode,
        psn: PSN,
        destQP: QPN? = nil,
        change: (inout PacketHeader) -> Void = { _ in }
    ) -> PacketHeader {
        var header = PacketHeader(
            bth: BTH(opcode: opcode, destQP: destQP ?? self.target.qpn, isAckRequested: true, psn: psn),
            reth: RETH(virtualAddress: self.victim.targetAddress, rKey: self.victim.regions[1].rKey, dmaByteCount: 8),
            atomicETH: AtomicETH(
                virtualAddress: self.victim.targetAddress,
                rKey: self.victim.regions[1].rKey,
                swapOrAdd: 0xBAD,
                compare: 0
            )
        )
        change(&header)
        return header
    }

    /// Any PSN but the one that would be right.
    func guessedPSN() -> PSN {
        while true {
            let guess = PSN(truncating: UInt32(truncatingIfNeeded: self.random.next()))
            if guess != self.expectedPSN { return guess }
        }
    }

    func send(_ header: PacketHeader, payload: [UInt8] = [], from source: IPAddress? = nil, sealed: Bool = true) throws
    {
        var bytes = [UInt8](repeating: 0, count: header.byteCount)
        Self.encode(header, into: &bytes)
        bytes += payload + [UInt8](repeating: 0, count: Int(header.bth.padCount) + ICRCPath.byteCount)
        try self.send(bytes: &bytes, from: source, sealed: sealed)
    }

    private static func encode(_ header: PacketHeader, into bytes: inout [UInt8]) {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        header.encode(into: &raw)
    }

    private static func seal(_ bytes: inout [UInt8], over path: ICRCPath) {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        path.seal(&raw, using: ISALCRC32.self)
    }

    /// Sends bytes of which the last four become the ICRC.
    func send(bytes: inout [UInt8], from source: IPAddress? = nil, sealed: Bool = true) throws {
        let source = source ?? self.address
        let port = self.victim.context.engine.membership.socket.port
        if sealed, bytes.count >= BTH.byteCount + ICRCPath.byteCount {
            let path = ICRCPath(
                source: GID(source),
                destination: GID(self.address),
                sourcePort: self.socket.port,
                destinationPort: port
            )
            Self.seal(&bytes, over: path)
        }
        try bytes.withUnsafeBytes { buffer in
            try self.socket.send(
                buffer,
                segmentByteCount: buffer.count,
                to: SocketEndpoint(address: self.address, port: port),
                from: source
            )
        }
        self.sentCount += 1
        if self.waitsForVictim, self.sentCount % 32 == 0 { self.letVictimReceive() }
    }

    /// Waits until the victim has taken everything.
    func letVictimReceive() {
        let deadline = MonotonicClock.now + 20_000_000_000
        while self.victim.takenPacketCount < UInt64(self.sentCount), MonotonicClock.now < deadline {
            self.victim.context.engine.makeProgress()
        }
        let engine = self.victim.context.engine
        while engine.lock.withLock({ engine.receiveAll(now: Timestamp(nanoseconds: MonotonicClock.now)) }) {}
    }
}
