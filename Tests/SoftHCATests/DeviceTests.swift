import TestSupport
import Testing
import Wire

@testable import SoftHCA
@testable import SystemIO

@Suite("Device")
struct DeviceTests {
    private static let loopback = NetworkInterface.fake(
        "lo",
        index: 1,
        isLoopback: true,
        mtu: 65536,
        macAddress: [0, 0, 0, 0, 0, 0],
        addresses: [.ipv4Loopback, .ipv6Loopback]
    )

    @Test func `interfaces that are up and have an address get a device, in the order of their indices`() {
        let interfaces: [NetworkInterface] = [
            .fake("eth1", index: 9),
            Self.loopback,
            .fake("down0", index: 4, isUp: false),
            .fake("bare0", index: 5, addresses: []),
            .fake("eth0", index: 3),
        ]
        #expect(Device.eligible(among: interfaces).map(\.name) == ["eth0", "eth1"])
    }

    @Test func `loopback gets a device where there is nothing else`() {
        #expect(Device.eligible(among: [Self.loopback, .fake("down0", isUp: false)]).map(\.name) == ["lo"])
        #expect(Device.eligible(among: []).isEmpty)
    }

    @Test func `a device keeps its name and its object while others come and go`() {
        let catalog = DeviceCatalog()
        let (one, other) = (NetworkInterface.fake("eth0", index: 3), NetworkInterface.fake("eth1", index: 9))
        let first = catalog.devices(of: [one, other])
        #expect(first.map(\.name) == ["verbena0", "verbena1"])
        let second = catalog.devices(of: [other, .fake("eth2", index: 5)])
        #expect(second.map(\.name) == ["verbena2", "verbena1"])
        #expect(second.last === first.last)
    }

    @Test func `the GUID is the EUI-64 of the hardware address`() {
        let device = Device(index: 0, interface: .fake(macAddress: [0x52, 0x54, 0, 0x12, 0x34, 0x56]))
        #expect(device.nodeGUID == 0x5054_00FF_FE12_3456)
        let without = Device(index: 0, interface: Self.loopback)
        #expect(without.nodeGUID != 0)
        #expect(without.nodeGUID == Device(index: 1, interface: Self.loopback).nodeGUID)
    }

    @Test(arguments: [
        (68, 1), (335, 1), (336, 1), (591, 1), (592, 2), (1103, 2), (1104, 3), (1500, 3), (2127, 3), (2128, 4),
        (4175, 4), (4176, 5), (9000, 5), (65536, 5),
    ])
    func `the active MTU is the largest that fits beside 80 bytes of headers`(mtu: Int, expected: UInt32) {
        #expect(PortAttributes.activeMTU(of: .fake(mtu: mtu)) == expected)
    }

    @Test func `a port is active only with a carrier, and loopback always takes the largest MTU`() {
        let active = PortAttributes(interface: .fake(), gidCount: 1)
        #expect(active.state == 4 && active.physicalState == 5 && active.activeMTU == 3)
        #expect(PortAttributes(interface: .fake(isRunning: false), gidCount: 1).state == 1)
        let gone = PortAttributes(interface: nil, gidCount: 0)
        #expect(gone.state == 1 && gone.physicalState == 3)
        let loopback = PortAttributes(interface: Self.loopback, gidCount: 2)
        #expect(loopback.state == 4 && loopback.activeMTU == 5)
    }

    @Test func `a namespace with only loopback has one device, and it is real`() throws {
        try ThreadNamespace.withFresh {
            let interfaces = try NetworkInterfaces.enumerate()
            let device = try #require(DeviceCatalog().devices(of: interfaces).first)
            #expect(device.name == "verbena0")
            #expect(device.interfaceName == "lo")
            #expect(device.gid(at: 0)?.gid.ipv4Address == 0x7F00_0001)
            #expect(device.gidCount == 2)
        }
    }
}
