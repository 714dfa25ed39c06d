import Glibc

/// Two network namespaces that a pair of virtual Ethernet interfaces joins: two hosts and a cable.
package final class NamespacePair {
    private static let attemptMax = 1000

    package static let interface = "veth0"
    package static let leftIPv4 = "10.77.0.2"
    package static let rightIPv4 = "10.77.0.3"
    package static let leftIPv6 = "fd77::2"
    package static let rightIPv6 = "fd77::3"

    package let left: NetworkNamespace
    package let right: NetworkNamespace

    /// - Parameter mtu: Of the interfaces, in bytes. 4500 carries a path MTU of 4096.
    package init(mtu: Int = 4500) throws(TestFailure) {
        let left = try NetworkNamespace()
        let right = try NetworkNamespace()
        self.left = left
        self.right = right
        try Shell.run(
            "ip",
            "link",
            "add",
            Self.interface,
            "netns",
            left.name,
            "mtu",
            "\(mtu)",
            "type",
            "veth",
            "peer",
            "name",
            Self.interface,
            "netns",
            right.name,
            "mtu",
            "\(mtu)"
        )
        for (side, ipv4, ipv6) in [(left, Self.leftIPv4, Self.leftIPv6), (right, Self.rightIPv4, Self.rightIPv6)] {
            try side.run("ip", "address", "add", "\(ipv4)/24", "dev", Self.interface)
            try side.run("ip", "link", "set", Self.interface, "up")
            try side.run("ip", "address", "add", "\(ipv6)/64", "dev", Self.interface, "nodad")
        }
        try Self.waitForLinkLocalAddress(on: left)
        try Self.waitForLinkLocalAddress(on: right)
    }

    /// The kernel gives an interface its link-local address a moment after it is up. Until then it would be missing from
    /// one process's GID table and present in the next one's, at the index of another.
    private static func waitForLinkLocalAddress(on side: NetworkNamespace) throws(TestFailure) {
        for _ in 0..<Self.attemptMax {
            let addresses = try side.run("ip", "-6", "address", "show", "dev", Self.interface, "scope", "link")
            if addresses.contains("fe80:"), !addresses.contains("tentative") { return }
            usleep(10_000)
        }
        throw TestFailure("\(Self.interface) in \(side.name) got no link-local address")
    }

    /// Makes the kernel cut trains of segments before it hands them to the interfaces, so that a capture shows the
    /// packets that a cable would carry.
    package func segmentBeforeCapture() throws(TestFailure) {
        for side in [self.left, self.right] {
            try side.run("ip", "link", "set", "dev", Self.interface, "gso_max_segs", "1")
        }
    }
}
