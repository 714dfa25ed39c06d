import Glibc
import TestSupport

/// A `registry-probe` that a test started.
final class ProbeProcess {
    let child: ChildProcess
    let qpn: UInt32

    /// Starts one in the namespace of the calling thread, and waits until it has joined.
    convenience init(root: String) throws {
        try self.init(ChildProcess([Self.program, "4791", root]))
    }

    /// Waits until one that was started has joined.
    init(_ child: ChildProcess) throws {
        self.child = child
        guard self.child.waitForOutput("\n"), let line = self.child.output.split(separator: "\n").first else {
            throw TestFailure("registry-probe says nothing")
        }
        guard line.hasPrefix("JOINED "), let qpn = UInt32(line.dropFirst(7)) else { throw TestFailure(String(line)) }
        self.qpn = qpn
    }

    var block: UInt32 { self.qpn >> 14 }

    /// Lines of the output that begin with `word` and name the datagram `number`.
    func count(_ word: String, _ number: UInt32) -> Int {
        self.child.output.split(separator: "\n").count { $0.hasPrefix("\(word) \(number) ") }
    }

    /// Waits until the datagram `number` came, by steering or handed on, and says whether it did.
    func receives(_ number: UInt32) -> Bool {
        for _ in 0..<2_500 {
            if self.count("STEERED", number) + self.count("FORWARDED", number) > 0 { return true }
            usleep(2_000)
        }
        return false
    }

    func leave() throws {
        self.child.send(signal: SIGTERM)
        let ending = self.child.wait(timeoutSeconds: 20)
        guard ending == .exited(code: 0) else {
            throw TestFailure("leaving ended with \(ending): \(self.child.output)")
        }
    }

    func kill() {
        self.child.send(signal: SIGKILL)
        _ = self.child.wait(timeoutSeconds: 20)
    }

    /// The program lies beside the bundle of the tests.
    static let program: String = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/registry-probe"
    }()
}
