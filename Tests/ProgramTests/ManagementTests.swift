import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// What a host answers to connection management when none of its programs listens. The judge is Linux: its question, and its
    /// answer, byte for byte.
    @Suite(.serialized)
    struct ManagementTests {
        @Test(arguments: [IPVersion.v4, .v6])
        func `of all processes one answers, as Linux would, also when it was killed`(version: IPVersion) throws {
            let hosts = try NamespacePair()
            let ports = 18600..<18603
            var servers = try ports.map { try hosts.left.startOnVerbena(["ibv_rc_pingpong", "-p", "\($0)"]) }
            for (server, port) in zip(servers, ports) {
                try #require(server.waitForListener(port: port), "\(server.output)")
            }
            #expect(try Self.answers(of: hosts, version: version) == [Self.answer])

            // Who joined first has the service.
            let owner = servers.removeFirst()
            owner.send(signal: SIGKILL)
            #expect(owner.wait(timeoutSeconds: 10) == .killed(signal: SIGKILL))
            // What comes before the others have noticed is lost, as a network loses packets; who asks will ask again.
            var attemptCount = 0
            var answers: [[UInt8]] = []
            while answers.isEmpty, attemptCount < 20 {
                answers = try Self.answers(of: hosts, version: version)
                attemptCount += 1
            }
            #expect(answers == [Self.answer], "after \(attemptCount) attempts")
            for server in servers { server.send(signal: SIGKILL) }
        }

        enum IPVersion: Sendable {
            case v4
            case v6
        }

        /// The REQ that Linux sent to a port where nobody listened, and what Linux said to it.
        private static let (question, answer): ([UInt8], [UInt8]) = {
            do {
                let file = try PacketFile(path: "\(Project.root)/Tests/WireTests/Fixtures/host_cm_rej.pcap")
                return (Array(file.packets[0][48..<304]), Array(file.packets[1][48..<304]))
            } catch {
                fatalError("the captured messages cannot be read: \(error)")
            }
        }()

        /// Asks the left host, and returns all that it says in a while: the management datagrams of right packets.
        private static func answers(of hosts: NamespacePair, version: IPVersion) throws -> [[UInt8]] {
            let transport = [UInt8](hex: "6400FFFF 00000001 00000000 80010000 00000001")
            var udp = transport + self.question
            let seal = InvariantCRC.value(of: self.ipHeader(version, from: 3, to: 2, udp.count + 4) + udp)
            udp += (0..<4).map { UInt8(truncatingIfNeeded: seal >> (8 * $0)) }
            let peer = version == .v4 ? NamespacePair.leftIPv4 : NamespacePair.leftIPv6
            let output = try hosts.right.run("/usr/bin/python3", "-c", self.asking, peer, udp.hex)
            return try output.split(separator: "\n").map { line in
                let packet = [UInt8](hex: String(line))
                #expect(packet.count == udp.count, "an answer of another length than the question's")
                #expect(InvariantCRC.isRight(self.ipHeader(version, from: 2, to: 3, packet.count) + packet))
                // UD SEND Only, to queue pair 1, with its Q_Key, from queue pair 1.
                try #require(packet.count > 20)
                #expect(packet[0] == 0x64 && packet[2...3] == [0xFF, 0xFF] && packet[5...7] == [0, 0, 1])
                #expect(packet[12..<20] == [0x80, 0x01, 0, 0, 0, 0, 0, 1])
                return Array(packet[20...].dropLast(InvariantCRC.byteCount))
            }
        }

        /// Sends the packet of the second argument to the address of the first, and prints what comes back within a while.
        private static var asking: String {
            """
            import socket, sys
            family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
            s = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET: s.setsockopt(socket.IPPROTO_IP, 10, 2)
            s.bind(('', 4791))
            s.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 4791))
            s.settimeout(0.7)
            try:
                while True: print(s.recv(65536).hex())
            except socket.timeout: pass
            """
        }

        /// The headers of IP and UDP between two hosts, of which the ICRC covers all but what changes on the way.
        private static func ipHeader(_ version: IPVersion, from: UInt8, to: UInt8, _ byteCount: Int) -> [UInt8] {
            let length = UInt16(byteCount + 8).bytes
            let udp: [UInt8] = [0x12, 0xB7, 0x12, 0xB7] + length + [0, 0]
            switch version {
            case .v4:
                let total = UInt16(byteCount + 28).bytes
                let addresses: [UInt8] = [10, 77, 0, from, 10, 77, 0, to]
                // Identification 0, do not fragment.
                return [0x45, 0] + total + [0, 0, 0x40, 0, 64, 17, 0, 0] + addresses + udp
            case .v6:
                let network: [UInt8] = [0xFD, 0x77] + [UInt8](repeating: 0, count: 13)
                return [0x60, 0, 0, 0] + length + [17, 64] + network + [from] + network + [to] + udp
            }
        }
    }
}

extension UInt16 {
    fileprivate var bytes: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}

extension [UInt8] {
    fileprivate init(hex text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    fileprivate var hex: String {
        self.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
