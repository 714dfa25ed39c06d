import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// UCX, which looks for device files: `verbena run --device-files` shows them.
    @Suite(.serialized)
    struct UCXTests {
        private static let port = 13337
        private static let operations = ["tag_lat", "ucp_put_bw", "ucp_get", "ucp_cswap"]

        /// UCX tells datagrams over IPv4 from those over IPv6 by what only its maker's adapters say, so IPv6 it is.
        private static let settings = ["UCX_NET_DEVICES": "verbena0:1", "UCX_IB_GID_INDEX": "1"]

        @Test(arguments: ["rc_v", "ud_v"], Self.operations)
        func `ucx_perftest passes`(transport: String, operation: String) throws {
            try Project.requireBuild()
            let host = try NetworkNamespace()
            let environment = Self.settings.merging(["UCX_TLS": "\(transport),self"]) { $1 }
            let command =
                [Project.command, "run", "--device-files", "--", "ucx_perftest", "-p", "\(Self.port)"]
            let server = try ChildProcess(host.inside(command), environment: environment)
            guard server.waitForListener(port: Self.port) else { throw TestFailure("\(server.output)") }
            let client = try ChildProcess(
                host.inside(command + ["127.0.0.1", "-t", operation, "-s", "8", "-n", "500", "-w", "50"]),
                environment: environment
            )
            #expect(client.wait(timeoutSeconds: 30) == .exited(code: 0), "\(client.output)")
            #expect(client.output.contains("Final:"), "\(client.output)")
            #expect(server.wait(timeoutSeconds: 30) == .exited(code: 0), "\(server.output)")
        }
    }
}
