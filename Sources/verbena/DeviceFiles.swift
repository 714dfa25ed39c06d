import SoftHCA
import SystemIO
import Wire

/// What the kernel would show of the devices in `/dev` and `/sys`, for programs that look there beside asking libibverbs.
///
/// It is as things are when the program starts; addresses that come later are not in it.
enum DeviceFiles {
    /// Gives this process, and what becomes of it, a view of the file system that has the files of `devices`.
    static func show(_ devices: [Device]) throws {
        do {
            try MountView.enter()
            try MountView.extend("/dev", by: devices.map(Self.deviceFile))
            try MountView.extend("/sys/class", by: try devices.flatMap(Self.classFiles) + [Self.interfaceVersion])
        } catch let failure as MountView.Failure {
            throw CommandFailure(
                "the device files cannot be shown: \(failure.step): \(failure.errno.message). It takes a user namespace "
                    + "('sysctl kernel.unprivileged_userns_clone=1' where that is forbidden), or the right to mount: "
                    + "in a container, '--cap-add SYS_ADMIN'.",
                exitCode: .cannotRun
            )
        }
    }

    private static func verbsName(of device: Device) -> String { "uverbs\(device.index)" }

    /// A character device that can be read and written, which is what programs ask of it. Nobody speaks to it.
    private static func deviceFile(of device: Device) -> MountView.Addition {
        MountView.Addition("infiniband/\(self.verbsName(of: device))", .sameAs("/dev/null"))
    }

    private static let interfaceVersion = MountView.Addition("infiniband_verbs/abi_version", .text("6\n"))

    private static func classFiles(of device: Device) throws(Errno) -> [MountView.Addition] {
        let interface = try device.refresh()
        return self.files(in: "infiniband_verbs/\(self.verbsName(of: device))", [("ibdev", device.name)])
            + self.files(in: "infiniband/\(device.name)", self.lines(about: device))
            + self.files(
                in: "infiniband/\(device.name)/ports/1",
                self.lines(about: PortAttributes(interface: interface, gidCount: device.gidCount))
                    + (0..<device.gidCount).flatMap { self.lines(aboutGID: $0, of: device) }
            )
    }

    private static func files(in folder: String, _ lines: [(name: String, text: String)]) -> [MountView.Addition] {
        lines.map { MountView.Addition("\(folder)/\($0.name)", .text($0.text + "\n")) }
    }
}

// MARK: - What the files say

extension DeviceFiles {
    private static func lines(about device: Device) -> [(name: String, text: String)] {
        let guid = Self.groups(of: [device.nodeGUID])
        return [
            ("node_type", "1: CA"), ("node_guid", guid), ("sys_image_guid", guid), ("node_desc", device.name),
            ("fw_ver", DeviceAttributes().firmwareVersion), ("parent", device.interfaceName),
        ]
    }

    private static func lines(about port: PortAttributes) -> [(name: String, text: String)] {
        [
            ("state", port.isActive ? "4: ACTIVE" : "1: DOWN"),
            ("phys_state", port.isActive ? "5: LinkUp" : "3: Disabled"),
            ("link_layer", "Ethernet"), ("lid", "0x0"), ("lid_mask_count", "0"), ("sm_lid", "0x0"), ("sm_sl", "0"),
            ("cap_mask", "0x" + Self.digits(UInt64(port.capabilities), count: 8)),
            ("rate", Self.rate(of: port)), ("pkeys/0", "0xffff"),
        ]
    }

    /// A hole has no type, as the kernel has none for it.
    private static func lines(aboutGID index: Int, of device: Device) -> [(name: String, text: String)] {
        let entry = device.gid(at: index)
        let gid = ("gids/\(index)", self.groups(of: [entry?.gid.prefix ?? 0, entry?.gid.interfaceID ?? 0]))
        guard entry != nil else { return [gid] }
        return [
            gid, ("gid_attrs/types/\(index)", "RoCE v2"), ("gid_attrs/ndevs/\(index)", device.interfaceName),
        ]
    }

    /// Gigabits a second by width and speed of the lanes, as the kernel words it.
    private static func rate(of port: PortAttributes) -> String {
        let lanes = port.activeWidth == 1 ? 1 : 4
        let (megabits, name) =
            switch port.activeSpeed {
            case 2: (5_000, " DDR")
            case 4: (10_000, " QDR")
            case 32: (25_000, " EDR")
            case 64: (50_000, " HDR")
            case 128: (100_000, " NDR")
            case 256: (200_000, " XDR")
            default: (2_500, "")
            }
        let total = lanes * megabits
        return "\(total / 1000)\(total % 1000 == 0 ? "" : ".5") Gb/sec (\(lanes)X\(name))"
    }

    /// Numbers of 64 bits as groups of four digits.
    private static func groups(of numbers: [UInt64]) -> String {
        numbers.flatMap { number in
            stride(from: 48, through: 0, by: -16).map { self.digits(number >> UInt64($0) & 0xFFFF, count: 4) }
        }.joined(separator: ":")
    }

    private static func digits(_ number: UInt64, count: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
}
