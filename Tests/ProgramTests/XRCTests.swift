import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// Extended reliable connections, with the program that rdma-core has for them.
    @Suite(.serialized)
    struct XRCTests {
        // Not -c with several clients: they send through each other's targets, for queues of other processes.
        @Test(arguments: PingPong.Placement.allCases, [["-s", "5000"], ["-e"], ["-n", "200"]])
        func `ibv_xsrq_pingpong passes`(placement: PingPong.Placement, options: [String]) throws {
            let hosts = try NamespacePair()
            let clientHost = placement == .oneHost ? hosts.left : hosts.right
            let serverName = placement == .oneHost ? "127.0.0.1" : NamespacePair.leftIPv4
            let index = try GIDTable.index(of: .ipv4, on: hosts.left)
            let server = try hosts.left.startOnVerbena(["ibv_xsrq_pingpong", "-g", "\(index)"] + options)
            guard server.waitForListener(port: PingPong.defaultPort) else { throw TestFailure("\(server.output)") }
            let clientIndex = try GIDTable.index(of: .ipv4, on: clientHost)
            let client = try clientHost.startOnVerbena(
                ["ibv_xsrq_pingpong", "-g", "\(clientIndex)"] + options + [serverName]
            )
            #expect(client.wait(timeoutSeconds: 30) == .exited(code: 0), "\(client.output)")
            #expect(server.wait(timeoutSeconds: 30) == .exited(code: 0), "\(server.output)")
        }
    }
}
