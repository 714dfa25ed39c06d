import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// Multicast groups across hosts, with several members on each.
    @Suite(.serialized)
    struct MulticastTests {
        @Test(arguments: [
            ("::ffff:239.5.6.7", GIDTable.Kind.ipv4), ("ff0e::5:6:7", .ipv6), ("ff02::5:6:7", .linkLocal),
        ])
        func `every member on every host gets each datagram`(group: String, address: GIDTable.Kind) throws {
            let count = 50
            let executable = try CProgram.compile("Tests/ProgramTests/Programs/multicast-member.c")
            let hosts = try NamespacePair()
            try hosts.segmentBeforeCapture()
            let members = try [hosts.left, hosts.right, hosts.right].map { host in
                let index = try GIDTable.index(of: address, on: host)
                return try host.startOnVerbena([executable, "receive", group, "\(index)", "\(count)"])
            }
            for member in members { try #require(member.waitForOutput("attached"), "\(member.output)") }
            let capture = try Capture(on: hosts.right)
            let index = try GIDTable.index(of: address, on: hosts.left)
            let sender = try hosts.left.startOnVerbena([executable, "send", group, "\(index)", "\(count)"])
            #expect(sender.wait(timeoutSeconds: 30) == .exited(code: 0), "\(sender.output)")
            for member in members {
                #expect(member.wait(timeoutSeconds: 30) == .exited(code: 0), "\(member.output)")
                #expect(member.output.contains("received \(count)"), "\(member.output)")
            }
            // On the cable each is one packet, to the queue pair of multicast.
            let file = try capture.finish()
            #expect(file.packets.count == count)
            #expect(file.packets.allSatisfy { InvariantCRC.isRight($0) })
            let lines = try capture.dissect()
            #expect(lines.allSatisfy { $0.lowercased().contains("ffffff") }, "\(lines.first ?? "")")
        }
    }
}
