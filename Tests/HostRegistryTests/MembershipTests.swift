import Glibc
import HostRegistry
import SystemIO
import TestSupport
import Testing
import Wire

@Suite("Membership", .serialized)
struct MembershipTests {
    /// Sends datagrams as another machine would.
    struct Sender: ~Copyable {
        let socket: UDPSocket
        private var lastNumber: UInt32 = 0

        init() throws { self.socket = try UDPSocket(port: 0) }

        /// Sends one to a queue pair, and returns its number.
        mutating func send(toQPN qpn: UInt32, address: IPAddress = .ipv4Loopback) throws -> UInt32 {
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

        /// Sends until the datagrams come by steering, for a repair takes a moment. Each one must come in some way,
        /// unless its owner was just taken for a dead process's heir.
        mutating func isSteered(to process: ProbeProcess, attemptCount: Int = 100) throws -> Bool {
            for _ in 0..<attemptCount {
                let number = try self.send(toQPN: process.qpn)
                for _ in 0..<100 where !process.hasReceived(number) { usleep(2_000) }
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
            var sender = try Sender()
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
            let holder = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
            defer { close(holder) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(4792).bigEndian
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(holder, $0, 16) }
            }
            try #require(bound == 0)
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
            var sender = try Sender()
            for process in processes {
                for address in [IPAddress.ipv4Loopback, .ipv6Loopback] {
                    let number = try sender.send(toQPN: process.qpn, address: address)
                    for _ in 0..<1000 where !process.hasReceived(number) { usleep(2_000) }
                    #expect(process.count("STEERED", number) == 1)
                }
            }
            for process in processes { try process.leave() }
        }
    }

    @Test func `what is for a process whose socket moved is handed on, and then steered`() throws {
        try Self.withRegistry { root in
            let processes = try (0..<6).map { _ in try ProbeProcess(root: root) }
            var sender = try Sender()
            // The last socket moves into the first hole; the next last into the second.
            processes[1].kill()
            processes[3].kill()
            for process in [processes[0], processes[2], processes[4], processes[5]] {
                #expect(try sender.isSteered(to: process))
            }
            let strays = processes.map { $0.child.output.split(separator: "\n").count { $0.hasPrefix("STRAY") } }
            #expect(strays.reduce(0, +) > 0, "without strays nothing was tested")
        }
    }

    /// Random joins, leaves and kills; after each burst every process that lives gets its datagrams.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `any order of joins, leaves and deaths ends with right steering`(seed: UInt64) throws {
        try Self.withRegistry { root in
            var generator = SeededGenerator(seed: seed)
            var processes: [ProbeProcess] = []
            var sender = try Sender()
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
}
