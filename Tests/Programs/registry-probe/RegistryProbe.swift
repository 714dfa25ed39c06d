import Glibc
import HostRegistry
import Synchronization
import SystemIO
import TestSupport
import Wire

/// A process of a registry, for tests: it joins, takes a queue pair number, and writes a line for each datagram that
/// comes to it, until SIGTERM makes it leave.
///
/// Usage: `registry-probe PORT ROOT [fork]`. The last four bytes of a datagram are its number. With `fork`, a child
/// stays behind that does nothing.
@main
enum RegistryProbe {
    private static let isTerminated = Atomic<Bool>(false)

    private enum Token {
        static var socket: UInt64 { 0 }
        static var forward: UInt64 { 1 }
    }

    static func main() {
        signal(SIGTERM) { _ in RegistryProbe.isTerminated.store(true, ordering: .relaxed) }
        guard CommandLine.arguments.count >= 3, let port = UInt16(CommandLine.arguments[1]) else {
            self.say("usage: registry-probe PORT ROOT [fork]")
            exit(2)
        }
        do {
            let membership = try HostRegistry.join(port: port, root: CommandLine.arguments[2])
            let qpn = try membership.allocateQPN()
            if CommandLine.arguments.last == "fork", CFunctions.fork() == 0 { while true { pause() } }
            self.say("JOINED \(qpn.rawValue)")
            try self.serve(membership, qpn)
            membership.leave()
            self.say("LEFT")
        } catch {
            self.say("ERROR \(error)")
            exit(1)
        }
    }

    private static func serve(_ membership: Membership, _ qpn: QPN) throws(Errno) {
        let poller = try Poller()
        try poller.add(membership.socket.rawDescriptor, token: Token.socket)
        try poller.add(membership.forwardDescriptor, token: Token.forward)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: UDPSocket.receiveByteCountMax, alignment: 8)
        defer { buffer.deallocate() }
        while !self.isTerminated.load(ordering: .relaxed) {
            try poller.wait(timeoutNanoseconds: self.timeout(membership)) { _ in }
            while let datagram = try membership.socket.receive(into: buffer) {
                self.take(UnsafeRawBufferPointer(rebasing: buffer[..<datagram.byteCount]), datagram, membership, qpn)
            }
            while let datagram = try membership.receiveForwarded(into: buffer) {
                let number = self.number(UnsafeRawBufferPointer(rebasing: buffer[..<datagram.byteCount]))
                self.say("FORWARDED \(number) \(datagram.source.address)")
            }
            membership.refreshIfNeeded()
            try poller.arm(membership.socket.rawDescriptor, token: Token.socket)
            try poller.arm(membership.forwardDescriptor, token: Token.forward)
        }
    }

    /// Writes a line at once, for the test reads along.
    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }

    private static func timeout(_ membership: Membership) -> UInt64 {
        guard let next = membership.nextRefreshNanoseconds else { return 100_000_000 }
        let now = MonotonicClock.now
        return next > now ? next - now : 0
    }

    private static func take(
        _ bytes: UnsafeRawBufferPointer,
        _ datagram: ReceivedDatagram,
        _ membership: Membership,
        _ qpn: QPN
    ) {
        let span = RawSpan(_unsafeBytes: bytes)
        guard let header = try? BTH(parsing: span) else { return }
        if header.destQP == IndexProbe.destQP {
            membership.handleProbe(span)
        } else if header.destQP == qpn {
            self.say("STEERED \(self.number(bytes)) \(datagram.source.address)")
        } else {
            self.say("STRAY \(self.number(bytes)) \(membership.handleStray(bytes, datagram))")
        }
    }

    private static func number(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard bytes.count >= 16 else { return 0 }
        return UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self))
    }
}
