import ArgumentParser
import SoftHCA
import SystemIO

/// `verbena status`: which processes have a device open, and by which ways they reach their peers.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the processes that have a device open, and by which ways they reach their peers.",
        discussion: """
            Processes of one user on one host reach each other directly where the kernel allows it; all others, and \
            other hosts, are reached by packets. A connection chooses when it is made (the queue pair goes to RTR), a \
            datagram's receiver when it is first sent to. VERBENA_PATH forces a way; 'verbena doctor' says what this \
            machine allows.
            """
    )

    func run() throws {
        let processes: [HostProcess]
        do {
            processes = try HostProcess.all()
        } catch {
            throw CommandFailure("the processes of this host cannot be listed: \(error.message).")
        }
        if processes.isEmpty { print("No process of this user has a device open in this network namespace.") }
        for process in processes {
            print("process \(process.pid)")
            for path in process.paths { print("    \(path.count) reached \(path.explanation)") }
            if process.directRequests > 0 {
                let size = Size.text(Int(clamping: process.directBytes))
                print("    \(process.directRequests) requests, \(size), executed directly")
            }
        }
    }
}
