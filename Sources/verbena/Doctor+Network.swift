import SystemIO

// What packets need: the port, interfaces, socket buffers.

extension Doctor {
    private static let rocePort: UInt16 = 4791
    /// With less, a burst of one window from each of a few peers does not fit.
    private static let bufferByteCountMin = 4 << 20
    /// What IP, UDP and the transport's headers take of a packet, at most.
    private static let headerByteCount = 80

    static func port() -> Finding {
        let title = "UDP port \(self.rocePort)"
        let meaning = "Packets between processes and hosts go through it; the processes of one user share it."
        let port = DoctorPort(port: self.rocePort)
        if port.isAvailable {
            let state = port.holders.isEmpty ? "free" : "shared by \(self.list(port.holders))"
            return Finding(level: .ok, title: title, state: state, meaning: meaning)
        }
        let state = port.holders.isEmpty ? "cannot be bound" : "taken by \(self.list(port.holders))"
        return Finding(
            level: .problem,
            title: title,
            state: state,
            meaning: meaning + " Its holder does not share it: opening a device fails with EADDRINUSE.",
            remedy: self.remedy(for: port.holders)
        )
    }

    private static func list(_ holders: [DoctorPort.Holder]) -> String {
        var names: [String] = []
        for holder in holders {
            let name: String
            if let pid = holder.pid {
                name = "process \(pid) (\(holder.name ?? "?"))"
            } else if holder.userID == 0, DoctorPort.isSoftRoCELoaded {
                name = "the kernel's rdma_rxe"
            } else {
                name = "a process of user \(holder.userID)"
            }
            if !names.contains(name) { names.append(name) }
        }
        return names.joined(separator: ", ")
    }

    private static func remedy(for holders: [DoctorPort.Holder]) -> String {
        if let pid = holders.compactMap(\.pid).first { return "kill \(pid)" }
        if DoctorPort.isSoftRoCELoaded { return "rdma link show; sudo rdma link delete NAME   (each rxe link)" }
        return "sudo ss -ulpn 'sport = \(self.rocePort)'   (shows the process; end it)"
    }

    static func interfaces() -> Finding {
        let title = "network interfaces"
        let meaning = "Each that is up and has an address is a device; its MTU bounds the path MTU."
        do {
            let usable = try NetworkInterfaces.enumerate().filter { $0.isUp && !$0.addresses.isEmpty }
            guard !usable.isEmpty else {
                return Finding(
                    level: .problem,
                    title: title,
                    state: "none is up and has an address",
                    meaning: meaning,
                    remedy: "sudo ip link set lo up"
                )
            }
            let names = usable.map { "\($0.name) (MTU \($0.mtu), path MTU \(self.pathMTU(of: $0.mtu)))" }
            return Finding(level: .ok, title: title, state: names.joined(separator: ", "), meaning: meaning)
        } catch {
            return Finding(
                level: .problem,
                title: title,
                state: "cannot be listed: \(error.message)",
                meaning: "A sandbox forbids netlink sockets. " + meaning,
                remedy: "run outside the sandbox, or allow socket(AF_NETLINK) in its seccomp profile"
            )
        }
    }

    /// The largest of the five path MTUs that leaves room for the headers.
    private static func pathMTU(of mtu: Int) -> Int {
        [4096, 2048, 1024, 512].first { $0 + self.headerByteCount <= mtu } ?? 256
    }

    static func socketBuffers() -> [Finding] {
        [("receive", "rmem_max"), ("send", "wmem_max")].map { direction, name in
            let path = "/proc/sys/net/core/\(name)"
            let title = "socket \(direction) buffer"
            guard let byteCount = TextFile.number(in: path) else {
                // Namespaces but the first do not show it.
                return Finding(
                    level: .note,
                    title: title,
                    state: "unknown (\(path) is not shown here)",
                    meaning: "The limit belongs to the host; look there.",
                    remedy: nil
                )
            }
            let isEnough = byteCount >= self.bufferByteCountMin
            return Finding(
                level: isEnough ? .ok : .note,
                title: title,
                state: "at most \(Size.text(byteCount))",
                meaning: isEnough
                    ? "A burst of packets waits here until the process takes it."
                    : "A burst of packets that does not fit is lost and sent again, which costs time.",
                remedy: isEnough ? nil : "sudo sysctl -w net.core.\(name)=\(self.bufferByteCountMin)"
            )
        }
    }
}
