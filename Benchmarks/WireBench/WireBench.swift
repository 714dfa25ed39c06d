import Glibc
import TestSupport

/// Measures Debian's programs on Verbena over a virtual Ethernet cable beside what people use instead, and what the
/// library costs at a program's start. Absolute figures mean little on a shared machine; the ratios are what to read.
@main
enum WireBench {
    private static let runCount = 5
    private static let startRunCount = 101

    static func main() {
        do {
            try Self.run()
        } catch {
            Self.say("wire-bench: \(error)")
            exit(1)
        }
    }

    private static func run() throws {
        try Project.requireBuild()
        Self.say("Over veth, MTU 4500, medians of \(Self.runCount) runs in turns:")
        let hosts = try Hosts()
        for measurement in Self.latencies(hosts) + Self.bandwidths(hosts) { Self.say("  " + measurement.line()) }
        Self.say("Start of a program, median of \(Self.startRunCount) paired runs:")
        Self.say("  " + StartTime(runCount: Self.startRunCount).line())
    }

    /// Prints at once, also into a file.
    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func latencies(_ hosts: Hosts) -> [Measurement] {
        [
            ("64 bytes, polling", "64", [], ["--nonblocked"]), ("4096 bytes, polling", "4096", [], ["--nonblocked"]),
            ("64 bytes, sleeping", "64", ["-e"], []),
        ].map { (name: String, byteCount: String, ownOptions: [String], otherOptions: [String]) in
            Measurement(
                name: "one-way latency, \(name)",
                unit: "us",
                reference: "sockperf (UDP)",
                isMoreBetter: false,
                runCount: Self.runCount,
                own: {
                    let output = try hosts.pingPong(["-m", "4096", "-n", "10000", "-s", byteCount] + ownOptions)
                    return try Reading.number(before: " usec/iter", in: output) / 2
                },
                other: {
                    let address = ["-i", NamespacePair.leftIPv4, "-p", "7000"]
                    let output = try hosts.plain(
                        server: ["sockperf", "server"] + address + otherOptions,
                        client: ["sockperf", "ping-pong", "-t", "1", "-m", byteCount] + address + otherOptions,
                        refusal: "No messages were received"
                    )
                    return try Reading.number(before: " usec", in: output)
                }
            )
        }
    }

    private static func bandwidths(_ hosts: Hosts) -> [Measurement] {
        func iperf() throws -> Double {
            let output = try hosts.plain(
                server: ["iperf3", "-s", "-1"],
                client: ["iperf3", "-c", NamespacePair.leftIPv4, "-t", "1", "-f", "m"],
                refusal: "Connection refused"
            )
            let receiver = output.split(separator: "\n").first { $0.contains("receiver") } ?? ""
            return try Reading.number(before: " Mbits/sec", in: String(receiver)) / 8000
        }
        func perftest(_ program: String) throws -> Double {
            let output = try hosts.perftest([program, "-F", "-s", "65536", "-n", "20000", "-m", "4096"])
            // Size, iterations, peak, average in MiB/s.
            return try Reading.lastRow(column: 3, in: output) * 1_048_576 / 1e9
        }
        func pingPong() throws -> Double {
            let output = try hosts.pingPong(["-m", "4096", "-n", "1000", "-s", "1048576"])
            return try Reading.number(before: " Mbit/sec", in: output) / 8000
        }
        return [
            ("ibv_rc_pingpong, 1 MiB there and back", pingPong),
            ("ib_write_bw, 64 KiB", { try perftest("ib_write_bw") }),
            ("ib_send_bw, 64 KiB", { try perftest("ib_send_bw") }),
        ].map { (name: String, own: @escaping () throws -> Double) in
            Measurement(
                name: "bandwidth, \(name)",
                unit: "GB/s",
                reference: "iperf3 (TCP)",
                isMoreBetter: true,
                runCount: Self.runCount,
                own: own,
                other: iperf
            )
        }
    }
}
