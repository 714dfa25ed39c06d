import Glibc
import TestSupport

/// A capture of the RoCEv2 packets on a namespace's interface, written by tshark while a test runs.
final class Capture {
    private static let startAttemptMax = 1000

    let path: String
    private let host: NetworkNamespace
    private let tshark: ChildProcess

    /// Starts capturing and returns when packets are being recorded.
    init(on host: NetworkNamespace) throws {
        self.host = host
        self.path = try TemporaryFolder.shared.file("capture-\(host.name).pcap")
        self.tshark = try ChildProcess(
            host.inside([
                "tshark", "-q", "-i", NamespacePair.interface, "-f", "udp port 4791", "-s", "0", "-B", "64",
                "-F", "pcap", "-w", self.path,
            ])
        )
        // The file's header is written once the interface is open.
        for _ in 0..<Self.startAttemptMax {
            if PacketFile.byteCount(of: self.path) >= PacketFile.headerByteCount { return }
            guard self.tshark.poll() == nil else { break }
            usleep(10_000)
        }
        throw TestFailure("tshark does not capture: \(self.tshark.output)")
    }

    deinit {
        unlink(self.path)
    }

    /// Ends the capture when it holds every packet that the interface has seen by now.
    func finish() throws -> PacketFile {
        var byteCount = -1
        // The capturing process writes with a delay; nothing new in half a second means that all is there.
        while byteCount != PacketFile.byteCount(of: self.path) {
            byteCount = PacketFile.byteCount(of: self.path)
            usleep(500_000)
        }
        self.tshark.send(signal: SIGINT)
        let ending = self.tshark.wait(timeoutSeconds: 20)
        guard ending == .exited(code: 0) else {
            throw TestFailure("tshark failed (\(ending)): \(self.tshark.output)")
        }
        return try PacketFile(path: self.path)
    }

    /// What tshark's dissectors say of each packet: the columns protocol and information, with every expert message.
    func dissect() throws -> [String] {
        let output = try Shell.run(
            "tshark",
            "-r",
            self.path,
            "-T",
            "fields",
            "-E",
            "separator=|",
            "-e",
            "frame.protocols",
            "-e",
            "_ws.malformed",
            "-e",
            "_ws.expert.message",
            "-e",
            "_ws.col.Info"
        )
        // Without a user's settings tshark warns of running as root on the same stream.
        return output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("eth:") }
    }
}
