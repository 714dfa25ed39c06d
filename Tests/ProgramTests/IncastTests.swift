import TestSupport
import Testing

extension ProgramTests {
    /// Sixteen processes that write to one over a link that is too narrow for them.
    @Suite(.serialized)
    struct IncastTests {
        private static let senderCount = 16
        private static let port = 19700
        private static let source = "Tests/ProgramTests/Programs/incast.c"

        @Test(arguments: [false, true])
        func `they share it fairly, and none gives up`(isMarking: Bool) throws {
            let hosts = try NamespacePair(mtu: 1500)
            let interface = NamespacePair.interface
            try hosts.left.run(
                "tc",
                "qdisc",
                "add",
                "dev",
                interface,
                "root",
                "tbf",
                "rate",
                "80mbit",
                "burst",
                "32kb",
                "limit",
                "150kb"
            )
            if isMarking {
                // A switch would mark by the length of its queue; a rate below the link's does as well.
                try hosts.left.run("nft", "add table ip marks")
                try hosts.left.run("nft", "add chain ip marks output { type filter hook output priority 0 ; }")
                try hosts.left.run(
                    "nft",
                    "add rule ip marks output udp dport 4791 ip ecn ect0 limit rate over 8 mbytes/second counter ip ecn set ce"
                )
            }
            // Congestion notifications, by their opcode.
            try hosts.right.run("nft", "add table ip notes")
            try hosts.right.run("nft", "add chain ip notes output { type filter hook output priority 0 ; }")
            try hosts.right.run("nft", "add rule ip notes output udp dport 4791 @th,64,8 0x81 counter")

            let executable = try CProgram.compile(Self.source)
            let receiver = try hosts.right.startOnVerbena([
                executable, "receiver", "\(Self.port)", "\(Self.senderCount)",
            ])
            #expect(receiver.waitForListener(port: Self.port), "\(receiver.output)")
            let senders = try (0..<Self.senderCount).map { _ in
                try hosts.left.startOnVerbena([executable, "sender", NamespacePair.rightIPv4, "\(Self.port)", "4"])
            }
            var shares: [Double] = []
            for sender in senders {
                #expect(sender.wait(timeoutSeconds: 60) == .exited(code: 0), "\(sender.output)")
                let count = sender.output.split(separator: "messages: ").last.flatMap {
                    Double($0.prefix { $0.isNumber })
                }
                shares.append(try #require(count, "\(sender.output)"))
            }
            #expect(receiver.wait(timeoutSeconds: 20) == .exited(code: 0), "\(receiver.output)")
            let sum = shares.reduce(0, +)
            let fairness = sum * sum / (Double(shares.count) * shares.reduce(0) { $0 + $1 * $1 })
            #expect(fairness > 0.9, "messages of 64 KiB: \(shares)")
            // Four seconds of 10 MB/s, half of which must have been of use.
            #expect(sum * 65_536 > 20_000_000, "messages of 64 KiB: \(shares)")
            let notes = try hosts.right.run("nft", "list", "table", "ip", "notes").split(separator: " ")
            let count = notes.firstIndex(of: "packets").flatMap { Int(notes[$0 + 1]) } ?? 0
            #expect((count > 0) == isMarking, "\(count) congestion notifications")
            print("incast, marks \(isMarking): Jain \(fairness), \(sum) messages, \(count) notifications")
        }
    }
}
