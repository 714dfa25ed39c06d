import Glibc

/// A network namespace that a test makes and that goes with the value. It needs root, or a user namespace in which the
/// test is root (`make test` makes one for an ordinary user).
package final class NetworkNamespace {
    /// Unique among the tests of this machine; the number is the process's, so that leftovers can be told.
    package let name: String

    private static let prefix = "verbena-test-"
    private static let nextNumber = Counter()

    /// Makes a namespace whose loopback interface is up.
    package init() throws(TestFailure) {
        guard geteuid() == 0 else {
            throw TestFailure("this test makes network namespaces and needs root for it: run it through 'make test'")
        }
        Self.sweep()
        self.name = "\(Self.prefix)\(getpid())-\(Self.nextNumber.next())"
        try Shell.run("ip", "netns", "add", self.name)
        // Without duplicate address detection every address can be used at once.
        try self.run(
            "sh",
            "-c",
            "echo 0 | tee /proc/sys/net/ipv6/conf/all/accept_dad /proc/sys/net/ipv6/conf/default/accept_dad"
        )
        try self.run("ip", "link", "set", "lo", "up")
    }

    deinit {
        _ = try? Shell.run("ip", "netns", "delete", self.name)
    }

    /// The command line that runs a program in this namespace.
    ///
    /// `ip netns exec` would also mount a /sys of its own, for which the kernel waits seconds while packets flow.
    package func inside(_ arguments: [String]) -> [String] {
        ["nsenter", "--net=/run/netns/\(self.name)"] + arguments
    }

    /// Runs a program in this namespace to its end and takes its success for granted.
    @discardableResult
    package func run(_ arguments: String...) throws(TestFailure) -> String {
        try Shell.run(self.inside(arguments))
    }

    /// Starts a program on Verbena in this namespace.
    package func startOnVerbena(
        _ arguments: [String],
        environment: [String: String] = [:]
    ) throws(TestFailure) -> ChildProcess {
        try Project.requireBuild()
        return try ChildProcess(self.inside(Project.onVerbena(arguments)), environment: environment)
    }

    /// Drops a share of the RoCEv2 packets that arrive or leave, at random.
    ///
    /// - Parameters:
    ///   - percent: 1 to 100.
    ///   - hook: `input`, as a lossy network does; or `output`, where the sender's system call fails with EPERM.
    package func dropPackets(percent: Int, hook: String) throws(TestFailure) {
        try self.run("nft", "add", "table", "inet", "loss")
        try self.run("nft", "add chain inet loss \(hook) { type filter hook \(hook) priority 0 ; }")
        try self.run("nft", "add rule inet loss \(hook) udp dport 4791 numgen random mod 100 < \(percent) counter drop")
    }

    /// How many packets `dropPackets` has dropped.
    package func droppedPacketCount() throws(TestFailure) -> Int {
        let words = try self.run("nft", "list", "table", "inet", "loss").split(whereSeparator: \.isWhitespace)
        guard let label = words.firstIndex(of: "packets"), words.indices.contains(label + 1) else { return 0 }
        return Int(words[label + 1]) ?? 0
    }

    /// Removes the namespaces of test processes that are no more.
    private static func sweep() {
        guard let list = try? Shell.run("ip", "netns", "list") else { return }
        for line in list.split(separator: "\n") {
            let name = line.prefix { $0 != " " }
            guard name.hasPrefix(Self.prefix) else { continue }
            let number = name.dropFirst(Self.prefix.count).prefix { $0 != "-" }
            guard let pid = pid_t(number), kill(pid, 0) != 0, errno == ESRCH else { continue }
            _ = try? Shell.run("ip", "netns", "delete", String(name))
        }
    }
}
