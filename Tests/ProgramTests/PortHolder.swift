import TestSupport

/// A process that holds the port of RoCEv2 and shares it with nobody, as the kernel's own rxe does.
struct PortHolder {
    private let process: ChildProcess

    init(on host: NetworkNamespace) throws {
        self.process = try ChildProcess(
            host.inside([
                "/usr/bin/python3", "-c",
                "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                    + "s.bind(('', 4791)); print('bound', flush=True); time.sleep(600)",
            ])
        )
        guard self.process.waitForOutput("bound") else {
            throw TestFailure("the port cannot be taken: \(self.process.output)")
        }
    }

    var pid: Int32 { self.process.pid }
    var isAlive: Bool { self.process.poll() == nil }
}
