import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("Network interfaces")
struct NetworkInterfacesTests {
    @Test func `a fresh namespace shows its own interfaces, whatever /sys shows`() throws {
        let commands = [
            "ip link add veth-a type veth peer name veth-b",
            "ip link set veth-a address 02:00:00:aa:bb:cc mtu 4200 up",
            "ip link set veth-b up",
            "ip addr add 10.9.8.7/20 dev veth-a", "ip addr add fd09::7/64 dev veth-a nodad",
        ]
        let interfaces = try ThreadNamespace.withFresh(commands: commands) { try NetworkInterfaces.enumerate() }
        #expect(interfaces.map(\.name) == interfaces.sorted { $0.index < $1.index }.map(\.name))
        let loopback = try #require(interfaces.first { $0.name == "lo" })
        #expect(loopback.isLoopback && !loopback.isUp && loopback.addresses.isEmpty)
        let veth = try #require(interfaces.first { $0.name == "veth-a" })
        #expect(veth.isUp && veth.isRunning && !veth.isLoopback)
        #expect(veth.mtu == 4200)
        #expect(veth.macAddress == [2, 0, 0, 0xAA, 0xBB, 0xCC])
        #expect(veth.ipv4Addresses.map(\.address) == [IPAddress(ipv4: 0x0A09_0807)])
        #expect(veth.ipv4Addresses.first?.prefixBitCount == 20)
        let global = try #require(veth.ipv6Addresses.first { $0.scope == .global })
        #expect(global.address == IPAddress(high: 0xFD09_0000_0000_0000, low: 7))
        #expect(!global.isTentative)
        let link = try #require(veth.ipv6Addresses.first { $0.scope == .link })
        #expect(link.address.isLinkLocal)
        #expect(link.address.low == 0x0000_00FF_FEAA_BBCC)
    }

    @Test func `the link-local address is known before the link is up`() throws {
        let commands = [
            "ip link add veth-a type veth peer name veth-b",
            "ip link set veth-a address 02:00:00:aa:bb:cc up", "ip addr add 10.9.8.7/20 dev veth-a",
        ]
        let before = try ThreadNamespace.withFresh(commands: commands) { try NetworkInterfaces.enumerate() }
        let waiting = try #require(before.first { $0.name == "veth-a" })
        #expect(waiting.ipv6Addresses.isEmpty)
        #expect(waiting.comingLinkLocal == IPAddress(high: 0xFE80_0000_0000_0000, low: 0x0000_00FF_FEAA_BBCC))

        let without = commands + ["sysctl -q -w net.ipv6.conf.veth-a.disable_ipv6=1"]
        let disabled = try ThreadNamespace.withFresh(commands: without) { try NetworkInterfaces.enumerate() }
        #expect(disabled.first { $0.name == "veth-a" }?.comingLinkLocal == nil)
    }

    @Test func `the loopback interface has its addresses once it is up`() throws {
        let interfaces = try ThreadNamespace.withFresh { try NetworkInterfaces.enumerate() }
        let loopback = try #require(interfaces.first)
        #expect(loopback.isUp && loopback.isLoopback)
        #expect(Set(loopback.addresses.map(\.address)) == [.ipv4Loopback, .ipv6Loopback])
        #expect(loopback.addresses.allSatisfy { $0.scope == .host })
    }

    @Test func `two hundred interfaces and their addresses are all found`() throws {
        let command = """
            for i in $(seq 1 100); do
                echo link add d$i type veth peer name e$i
                echo addr add 10.1.$i.1/24 dev d$i
                echo addr add 10.2.$i.1/24 dev e$i
            done | ip -batch -
            """
        let interfaces = try ThreadNamespace.withFresh(commands: [command]) { try NetworkInterfaces.enumerate() }
        let ethernet = interfaces.filter { $0.name.hasPrefix("d") || $0.name.hasPrefix("e") }
        #expect(ethernet.count == 200)
        #expect(ethernet.allSatisfy { $0.ipv4Addresses.count == 1 })
    }

    @Test func `addresses are written as people write them`() {
        #expect(IPAddress(ipv4: 0x0A09_0807).description == "10.9.8.7")
        #expect(IPAddress.ipv6Loopback.description == "0:0:0:0:0:0:0:1")
        #expect(IPAddress(ipv4: 5).ipv4 == 5)
        #expect(IPAddress.ipv6Loopback.ipv4 == nil)
        #expect(IPAddress.any.isUnspecified && IPAddress(ipv4: 0).isUnspecified)
    }
}
