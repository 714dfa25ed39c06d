import TestSupport
import Testing

extension ProgramTests {
    /// What `ibv_devices` and `ibv_devinfo -v` say of the devices.
    @Suite(.serialized)
    struct DeviceTests {
        @Test func `ibv_devices lists the first device`() throws {
            let hosts = try NamespacePair()
            let devices = try hosts.left.startOnVerbena(["ibv_devices"])
            #expect(devices.wait() == .exited(code: 0), "\(devices.output)")
            #expect(devices.output.contains("verbena0"), "\(devices.output)")
        }

        @Test func `ibv_devinfo shows an active Ethernet port with the largest MTU that fits`() throws {
            let hosts = try NamespacePair(mtu: 1500)
            let devinfo = try hosts.left.startOnVerbena(["ibv_devinfo", "-v"])
            #expect(devinfo.wait() == .exited(code: 0), "\(devinfo.output)")
            let words = Self.normalized(devinfo.output)
            for claim in [
                "hca_id: verbena0", "transport: InfiniBand (0)", "state: PORT_ACTIVE (4)", "link_layer: Ethernet",
                "active_mtu: 1024 (3)", "max_mtu: 4096 (5)", "phys_port_cnt: 1",
            ] {
                #expect(words.contains(claim), "no '\(claim)' in:\n\(devinfo.output)")
            }
        }

        @Test func `the GID table has every address, the link-local one first, all RoCE v2`() throws {
            let hosts = try NamespacePair()
            let entries = try GIDTable.entries(on: hosts.left)
            #expect(entries.first?.text.hasPrefix("fe80:") == true, "\(entries)")
            #expect(entries.contains { $0.text == "::ffff:\(NamespacePair.leftIPv4)" }, "\(entries)")
            #expect(entries.contains { $0.text == NamespacePair.leftIPv6 }, "\(entries)")
            #expect(entries.allSatisfy { $0.type == "RoCE v2" }, "\(entries)")
            #expect(entries.map(\.index) == Array(entries.indices), "\(entries)")
        }

        @Test func `a namespace with nothing but loopback has one device`() throws {
            let host = try NetworkNamespace()
            let list = try host.startOnVerbena(["ibv_devinfo", "-l"])
            #expect(list.wait() == .exited(code: 0), "\(list.output)")
            #expect(Self.normalized(list.output).contains("1 HCA found: verbena0"), "\(list.output)")
        }

        /// Runs of white space become one space each.
        private static func normalized(_ text: String) -> String {
            text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }
}
