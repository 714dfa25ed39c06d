import Glibc
import HostRegistry
import SystemIO
import TestSupport
import Testing
import Wire

@Suite("Membership", .serialized)
struct MembershipTests {
    /// Sends datagrams as another machine would.
    final class Sender {
        let socket: UDPSocket
        private var lastNumber: UInt32

        init(firstNumber: UInt32 = 1) throws {
            self.socket = try UDPSocket(port: 0)
            self.lastNumber = firstNumber - 1
        }

        /// Sends one to a queue pair, and returns its number.
        func send(toQPN qpn: UInt32, address: IPAddress = .ipv4Loopback) throws -> UInt32 {
            self.lastNumber += 1
            var bytes = [UInt8](repeating: 0, count: 12)
            bytes[0] = 0x64
            bytes[2] = 0xFF
            bytes[3] = 0xFF
            for position in 0..<3 { bytes[5 + position] = UInt8(truncatingIfNeeded: qpn >> (16 - 8 * position)) }
            let number = self.lastNumber
            bytes += [number >> 24, number >> 16, number >> 8, number].map { UInt8(truncatingIfNeeded: $0) }
            try bytes.withUnsafeBytes {
                try self.socket.send(
                    $0,
                    segmentByteCount: $0.count,
                    to: SocketEndpoint(address: address, port: 4791)
                )
            }
            return number
        }

        /// Sends until the datagrams come by steering, for a repair takes a moment. Each one must come in some way.
        func isSteered(to process: ProbeProcess, attemptCount: Int = 100) throws -> Bool {
            for _ in 0..<attemptCount {
                let number = try self.send(toQPN: process.qpn)
                #expect(process.receives(number), "a datagram was lost")
                if process.count("STEERED", number) == 1 { return true }
                usleep(20_000)
            }
            return false
        }
    }

    static func withRegistry(_ body: (String) throws -> Void) throws {
        let root = "/dev/shm/verbena-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try #require(mkdir(root, 0o700) == 0)
        defer { try? ThreadNamespace.shell("rm -r \(root)") }
        try ThreadNamespace.withFresh { try body(root) }
    }

    @Test func `one process gets what is for its numbers, and for queue pair 1`() throws {
        try Self.withRegistry { root in
            let membership = try HostRegistry.join(root: root)
            #expect(membership.isServiceOwner)
            #expect(membership.otherMembers.isEmpty)
            let qpn = try membership.allocateQPN()
            #expect(membership.owns(qpn))
            let sender = try Sender()
            for target in [qpn.rawValue, 1] {
                _ = try sender.send(toQPN: target)
                var bytes = [UInt8](repeating: 0, count: 65_536)
                let datagram = try bytes.withUnsafeMutableBytes { try membership.socket.receive(into: $0) }
                #expect(datagram?.byteCount == 16)
            }
            membership.releaseQPN(qpn)
            membership.leave()
            #expect(throws: Errno.noSuchDevice) { _ = try membership.allocateQPN() }
            let rest = try FileSystem.names(in: "\(root)/verbena-\(geteuid())")
            #expect(rest.isEmpty, "the last one to leave leaves nothing behind")
        }
    }

    @Test func `a process cannot join twice, but again after leaving`() throws {
        try Self.withRegistry { root in
            let membership = try HostRegistry.join(root: root)
            #expect(throws: RegistryError.alreadyJoined) { _ = try HostRegistry.join(root: root) }
            membership.leave()
            let again = try HostRegistry.join(root: root)
            again.leave()
        }
    }

    @Test func `a taken port, a foreign directory and a file in the way are named`() throws {
        try Self.withRegistry { root in
            let holder = try PlainSocket(port: 4792)
            defer { holder.close() }
            try #require(holder.isBound)
            #expect(throws: RegistryError.portTaken(4792)) { _ = try HostRegistry.join(port: 4792, root: root) }
            #expect(RegistryError.portTaken(4792).errno == .addressInUse)
            let path = "\(root)/verbena-\(geteuid())"
            chmod(path, 0o755)
            #expect(throws: RegistryError.directoryUnsafe(path: path)) { _ = try HostRegistry.join(root: root) }
            try ThreadNamespace.shell("rm -r \(path); ln -s /tmp \(path)")
            #expect(throws: RegistryError.directoryUnsafe(path: path)) { _ = try HostRegistry.join(root: root) }
            #expect(throws: RegistryError.directoryUnusable(path: "/nowhere/verbena-\(geteuid())", .noSuchFile)) {
                _ = try HostRegistry.join(root: "/nowhere")
            }
        }
    }

    @Test func `a registry full of rubbish is made anew`() throws {
        try Self.withRegistry { root in
            let first = try HostRegistry.join(root: root)
            let path = first.directory.registryPath
            let directory = first.directory.path
            first.leave()
            try ThreadNamespace.shell("mkdir -m 700 \(directory); head -c 65536 /dev/urandom > \(path)")
            let second = try HostRegistry.join(root: root)
            #expect(second.otherMembers.isEmpty)
            #expect(second.isServiceOwner)
            second.leave()
        }
    }

    @Test func `it joins also with the loopback interface down`() throws {
        let root = "/dev/shm/verbena-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try #require(mkdir(root, 0o700) == 0)
        defer { try? ThreadNamespace.shell("rm -r \(root)") }
        try ThreadNamespace.withFresh(commands: []) {
            let membership = try HostRegistry.join(root: root)
            membership.leave()
        }
    }

    @Test func `every process gets its own datagrams by steering`() throws {
        try Self.withRegistry { root in
            let processes = try (0..<5).map { _ in try ProbeProcess(root: root) }
            #expect(Set(processes.map(\.block)).count == 5)
            let sender = try Sender()
            for process in processes {
                for address in [IPAddress.ipv4Loopback, .ipv6Loopback] {
                    let number = try sender.send(toQPN: process.qpn, address: address)
                    #expect(process.receives(number))
                    #expect(process.count("STEERED", number) == 1)
                }
            }
            for process in processes { try process.leave() }
        }
    }

    @Test func `what is for a process whose socket moved is handed on, and then steered`() throws {
        try Self.withRegistry { root in
            let processes = try (0..<6).map { _ in try ProbeProcess(root: root) }
            let sender = try Sender()
            // The last socket moves into the first hole, the next last into the second.
            processes[1].kill()
            processes[3].kill()
            // The index of a socket that moved is beyond the end, where the kernel chooses by a hash of the ports: from
            // many ports, some reach the wrong process. (Ten at most: so many wait in the queue of its owner.)
            let senders = try (1...8).map { try Sender(firstNumber: $0 * 1_000) }
            let numbers = try senders.map { try $0.send(toQPN: processes[5].qpn) }
            for number in numbers {
                #expect(processes[5].receives(number), "a datagram was lost")
            }
            let handedOn = numbers.reduce(0) { $0 + processes[5].count("FORWARDED", $1) }
            #expect(handedOn > 0, "without strays nothing was tested")
            for process in [processes[0], processes[2], processes[4], processes[5]] {
                #expect(try sender.isSteered(to: process))
            }
        }
    }

    /// Random joins, leaves and kills; after each burst every process that lives gets its datagrams.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `any order of joins, leaves and deaths ends with right steering`(seed: UInt64) throws {
        try Self.withRegistry { root in
            var generator = SeededGenerator(seed: seed)
            var processes: [ProbeProcess] = []
            let sender = try Sender()
            for _ in 0..<8 {
                while processes.count < 8 { processes.append(try ProbeProcess(root: root)) }
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    let process = processes.remove(at: Int.random(in: 0..<processes.count, using: &generator))
                    if Bool.random(using: &generator) { process.kill() } else { try process.leave() }
                }
                for process in processes.shuffled(using: &generator) {
                    let isSteered = try sender.isSteered(to: process)
                    #expect(isSteered, "\(processes.map { "\($0.qpn): \($0.child.output)" })")
                }
            }
        }
    }

    @Test func `processes that join at one time get blocks of their own`() throws {
        try Self.withRegistry { root in
            let children = try (0..<8).map { _ in try ChildProcess([ProbeProcess.program, "4791", root]) }
            let processes = try children.map { try ProbeProcess($0) }
            #expect(Set(processes.map(\.block)).count == 8)
            let sender = try Sender()
            for process in processes { #expect(try sender.isSteered(to: process)) }
        }
    }

    @Test func `a stopped process stops nobody else`() throws {
        try Self.withRegistry { root in
            var processes = try (0..<4).map { _ in try ProbeProcess(root: root) }
            processes[3].child.send(signal: SIGSTOP)
            processes.remove(at: 0).kill()
            processes.append(try ProbeProcess(root: root))
            let sender = try Sender()
            for process in [processes[0], processes[1], processes[3]] {
                #expect(try sender.isSteered(to: process))
            }
            processes[2].child.send(signal: SIGCONT)
            #expect(try sender.isSteered(to: processes[2]))
        }
    }

    @Test func `it works also when one in five probes is lost`() throws {
        try Self.withRegistry { root in
            let rule = "udp dport 4791 @th,104,24 0xfffffe numgen random mod 5 0 drop"
            try ThreadNamespace.shell(
                "nft add table inet t; nft 'add chain inet t i { type filter hook input priority 0; }'"
            )
            try ThreadNamespace.shell("nft add rule inet t i \(rule)")
            var processes = try (0..<6).map { _ in try ProbeProcess(root: root) }
            processes.remove(at: 0).kill()
            processes.remove(at: 1).kill()
            let sender = try Sender()
            for process in processes { #expect(try sender.isSteered(to: process)) }
        }
    }

    @Test func `a forked child has nothing of it, and the parent does not notice`() throws {
        try Self.withRegistry { root in
            let membership = try HostRegistry.join(root: root)
            defer { membership.leave() }
            let qpn = try membership.allocateQPN()
            let pid = CFunctions.fork()
            if pid == 0 {
                var failure: CInt = 0
                if membership.socket.rawDescriptor != -1 { failure |= 1 }
                if (try? membership.allocateQPN()) != nil { failure |= 2 }
                if membership.member(owning: qpn) != nil || membership.isServiceOwner { failure |= 4 }
                membership.releaseQPN(qpn)
                membership.refreshIfNeeded()
                membership.leave()
                _exit(failure)
            }
            var status: CInt = 0
            #expect(waitpid(pid, &status, 0) == pid)
            #expect(status == 0)
            let neighbour = try ProbeProcess(root: root)
            #expect(membership.otherMembers.map(\.pid) == [neighbour.child.pid])
            #expect(neighbour.block != membership.block.rawValue)
            neighbour.kill()
            #expect(membership.otherMembers.isEmpty)
        }
    }

    @Test func `a child that lives on does not keep its parent's place`() throws {
        try Self.withRegistry { root in
            let parent = try ChildProcess([ProbeProcess.program, "4791", root, "fork"])
            _ = try ProbeProcess(parent)
            // The child has the parent's process group.
            defer { kill(-parent.pid, SIGKILL) }
            kill(parent.pid, SIGKILL)
            _ = parent.wait(timeoutSeconds: 20)
            let holder = try PlainSocket(port: 4791)
            #expect(holder.isBound, "the child keeps the port")
            holder.close()
            let late = try ProbeProcess(root: root)
            let sender = try Sender()
            #expect(try sender.isSteered(to: late))
        }
    }
}

/// A UDP socket of some program that shares its port with nobody.
private struct PlainSocket {
    private let descriptor: CInt
    let isBound: Bool

    init(port: UInt16) throws {
        self.descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        try #require(self.descriptor >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        let descriptor = self.descriptor
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        self.isBound = result == 0
    }

    func close() { _ = Glibc.close(self.descriptor) }
}
