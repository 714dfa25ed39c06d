import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// Extended reliable connections, with the program that rdma-core has for them.
    @Suite(.serialized)
    struct XRCTests {
        @Test(arguments: PingPong.Placement.allCases, [["-s", "5000"], ["-e"], ["-c", "3", "-n", "20"]])
        func `ibv_xsrq_pingpong passes`(placement: PingPong.Placement, options: [String]) throws {
            let hosts = try NamespacePair()
            let clientHost = placement == .oneHost ? hosts.left : hosts.right
            let serverName = placement == .oneHost ? "127.0.0.1" : NamespacePair.leftIPv4
            // -c is the number of clients, and the server's alone.
            let isForSeveral = options.first == "-c"
            let clientOptions = isForSeveral ? Array(options.dropFirst(2)) : options
            let index = try GIDTable.index(of: .ipv4, on: hosts.left)
            let server = try hosts.left.startOnVerbena(["ibv_xsrq_pingpong", "-g", "\(index)"] + options)
            guard server.waitForListener(port: PingPong.defaultPort) else { throw TestFailure("\(server.output)") }
            let clientIndex = try GIDTable.index(of: .ipv4, on: clientHost)
            let clients = try (0..<(isForSeveral ? 3 : 1)).map { _ in
                try clientHost.startOnVerbena(
                    ["ibv_xsrq_pingpong", "-g", "\(clientIndex)"] + clientOptions + [serverName]
                )
            }
            for client in clients { #expect(client.wait(timeoutSeconds: 30) == .exited(code: 0), "\(client.output)") }
            #expect(server.wait(timeoutSeconds: 30) == .exited(code: 0), "\(server.output)")
        }
    }
}
