import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// Links that go down and addresses that come and go, as `ibv_asyncwatch` and a running connection see them.
    @Suite(.serialized)
    struct PortEventTests {
        @Test(.shows("IBV_EVENT_PORT_ERR", "IBV_EVENT_PORT_ACTIVE", "IBV_EVENT_GID_CHANGE"))
        func `ibv_asyncwatch tells of links and addresses`() throws {
            let hosts = try NamespacePair()
            let watch = try hosts.left.startOnVerbena(["ibv_asyncwatch"])
            try #require(watch.waitForOutput("async event FD"), "\(watch.output)")

            try hosts.left.run("ip", "address", "add", "10.77.0.99/24", "dev", NamespacePair.interface)
            #expect(watch.waitForOutput("IBV_EVENT_GID_CHANGE"), "\(watch.output)")
            #expect(!watch.output.contains("IBV_EVENT_PORT"), "\(watch.output)")
            let before = Self.count("IBV_EVENT_GID_CHANGE", in: watch)
            try hosts.left.run("ip", "address", "delete", "10.77.0.99/24", "dev", NamespacePair.interface)
            #expect(Self.wait(for: before + 1, of: "IBV_EVENT_GID_CHANGE", in: watch), "\(watch.output)")

            try hosts.left.run("ip", "link", "set", NamespacePair.interface, "down")
            #expect(watch.waitForOutput("IBV_EVENT_PORT_ERR"), "\(watch.output)")
            #expect(!watch.output.contains("IBV_EVENT_PORT_ACTIVE"), "\(watch.output)")
            try hosts.left.run("ip", "link", "set", NamespacePair.interface, "up")
            #expect(watch.waitForOutput("IBV_EVENT_PORT_ACTIVE"), "\(watch.output)")
            #expect(Self.count("IBV_EVENT_PORT_ERR", in: watch) == 1, "\(watch.output)")

            // The link of one end is down when the other end's is switched off.
            try hosts.right.run("ip", "link", "set", NamespacePair.interface, "down")
            #expect(Self.wait(for: 2, of: "IBV_EVENT_PORT_ERR", in: watch), "\(watch.output)")
            #expect(!watch.output.contains("unexpected"), "\(watch.output)")
        }

        /// 14 and 7 are what ibv_rc_pingpong has for the timeout and the retries: together half a second. The address is away
        /// for a fifth of that; what comes after more than twice that time shows that nobody has given up.
        @Test(arguments: [
            ("address delete \(NamespacePair.rightIPv4)/24", "address add \(NamespacePair.rightIPv4)/24"),
            ("link set down", "link set up"),
        ])
        func `traffic goes on when the address, or the link, is back in time`(removal: String, return: String) throws {
            let hosts = try NamespacePair()
            let index = try GIDTable.index(of: .ipv4, on: hosts.left)
            let arguments = ["ibv_rc_pingpong", "-g", "\(index)", "-s", "64", "-n", "100000000"]
            let server = try hosts.left.startOnVerbena(arguments)
            let client = try PingPong.startClient(arguments + [NamespacePair.leftIPv4], in: hosts.right, of: server)
            defer {
                for process in [server, client] {
                    process.send(signal: SIGKILL)
                    _ = process.wait(timeoutSeconds: 10)
                }
            }
            try Self.expectTraffic(hosts.left)
            // In one shell, so that a busy machine does not make the time longer than it is meant to be.
            let (device, side) = ("dev \(NamespacePair.interface)", hosts.right)
            try side.run("sh", "-c", "ip \(removal) \(device); sleep 0.1; ip \(`return`) \(device)")
            usleep(1_200_000)
            try Self.expectTraffic(hosts.left)
            #expect(server.poll() == nil && client.poll() == nil, "\(server.output)\(client.output)")
        }

        /// Looks at the interface until a thousand packets have arrived.
        private static func expectTraffic(_ side: NetworkNamespace) throws {
            func receivedCount() throws -> Int {
                let words = try side.run("ip", "-s", "link", "show", "dev", NamespacePair.interface)
                    .split(separator: "\n").drop { !$0.contains("RX:") }.dropFirst().first?
                    .split(separator: " ")
                return try #require(words.flatMap { Int($0[1]) })
            }
            let start = try receivedCount()
            let deadline = MonotonicSeconds.now + 20
            while try receivedCount() < start + 1000, MonotonicSeconds.now < deadline { usleep(10_000) }
            #expect(try receivedCount() >= start + 1000, "no traffic")
        }

        private static func count(_ words: String, in program: ChildProcess) -> Int {
            program.output.split(separator: "\n").count { $0.contains(words) }
        }

        private static func wait(for count: Int, of words: String, in program: ChildProcess) -> Bool {
            let deadline = MonotonicSeconds.now + 20
            while MonotonicSeconds.now < deadline {
                if Self.count(words, in: program) >= count { return true }
                usleep(10_000)
            }
            return false
        }
    }
}
