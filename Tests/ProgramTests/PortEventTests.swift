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

        /// 14 and 7 are what ibv_rc_pingpong has for the timeout and the retries: together half a second.
        @Test(arguments: [
            (
                ["address", "delete", "\(NamespacePair.rightIPv4)/24", "dev"],
                ["address", "add", "\(NamespacePair.rightIPv4)/24", "dev"]
            ),
            (["link", "set", "down", "dev"], ["link", "set", "up", "dev"]),
        ])
        func `traffic goes on when the address, or the link, is back in time`(removal: [String], return: [String])
            throws
        {
            let hosts = try NamespacePair()
            let index = try GIDTable.index(of: .ipv4, on: hosts.left)
            let arguments = ["ibv_rc_pingpong", "-c", "-g", "\(index)", "-s", "64", "-n", "40000"]
            let server = try hosts.left.startOnVerbena(arguments)
            let client = try PingPong.startClient(arguments + [NamespacePair.leftIPv4], in: hosts.right, of: server)
            usleep(300_000)
            try #require(client.poll() == nil, "\(client.output)")
            for change in [removal, `return`] {
                try Shell.run(hosts.right.inside(["ip"] + change + [NamespacePair.interface]))
                usleep(100_000)
            }
            try #require(client.poll() == nil, "it ended before the address was back: \(client.output)")
            #expect(client.wait(timeoutSeconds: 60) == .exited(code: 0), "\(client.output)")
            #expect(server.wait(timeoutSeconds: 60) == .exited(code: 0), "\(server.output)")
            #expect(!(client.output + server.output).contains("invalid data"), "\(client.output)")
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
