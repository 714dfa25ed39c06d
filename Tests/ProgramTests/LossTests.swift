import TestSupport
import Testing

extension ProgramTests {
    /// A network that loses one packet in twenty, both ways.
    @Suite(.serialized)
    struct LossTests {
        @Test(arguments: ["input", "output"], GIDTable.Kind.allCases)
        func `ibv_rc_pingpong passes although packets are dropped`(hook: String, address: GIDTable.Kind) throws {
            let hosts = try NamespacePair()
            try hosts.left.dropPackets(percent: 5, hook: hook)
            try hosts.right.dropPackets(percent: 5, hook: hook)
            let run = PingPong(
                program: .rc,
                options: ["-c", "-n", "200"],
                address: address,
                placement: .twoNamespaces
            )
            try run.expectSuccess(on: hosts, timeoutSeconds: 120)
            // Otherwise the rule did not see the packets, and the test showed nothing.
            #expect(try hosts.left.droppedPacketCount() + hosts.right.droppedPacketCount() > 0)
        }
    }
}
