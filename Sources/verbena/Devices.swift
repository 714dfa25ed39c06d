import ArgumentParser
import SoftHCA
import SystemIO
import Wire

/// `verbena devices`: the devices that programs will see, with the GIDs by which they are chosen.
struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the devices that programs will see, and their GIDs.",
        discussion: """
            Each network interface that is up and has an address is a device; the loopback interface is one only \
            where there is no other. A GID is one of the interface's addresses; programs take its index, most of \
            them by -g or -x. Both sides of a connection choose a GID of the same kind.
            """
    )

    func run() throws {
        let devices: [Device]
        let interfaces: [NetworkInterface]
        do {
            interfaces = try NetworkInterfaces.enumerate()
            devices = try Device.enumerate()
        } catch {
            throw CommandFailure("the network interfaces cannot be listed: \(error.message).")
        }
        guard !devices.isEmpty else {
            throw CommandFailure("no network interface is up and has an address; 'sudo ip link set lo up' mends that.")
        }
        for device in devices {
            let interface = interfaces.first { $0.index == device.interfaceIndex }
            for line in Self.lines(about: device, interface: interface) { print(line) }
        }
    }

    /// `IBV_PORT_ACTIVE`.
    private static let activeState: UInt32 = 4

    private static func lines(about device: Device, interface: NetworkInterface?) -> [String] {
        let port = PortAttributes(interface: interface, gidCount: device.gidCount)
        let state = port.state == Self.activeState ? "active" : "down"
        let heading =
            "\(device.name)  on \(device.interfaceName), \(state), path MTU \(128 << Int(port.activeMTU))"
        let entries = (0..<device.gidCount).compactMap { device.gid(at: $0) }
        return [heading] + entries.map { "    GID \($0.index)  \(Self.text(of: $0.gid))" }
    }

    private static func text(of gid: GID) -> String {
        let address = IPAddress(high: gid.prefix, low: gid.interfaceID)
        let kind = address.isIPv4 ? "IPv4" : address.isLinkLocal ? "IPv6, link-local" : "IPv6"
        return "\(address)  (\(kind))"
    }
}
