/// perftest's programs, over every service that each offers.
enum PerftestRuns {
    private static let mtus = ["256", "512", "1024", "2048", "4096"]
    // It waits for a completion of each request it warms up with, and of a hundred it asks one for (cq_mod).
    private static let warmUp = Run.Expectation.fails(because: "perftest waits for completions that it did not ask for")

    // perftest joins a group of InfiniBand's unless told otherwise. This is 239.1.2.3, each byte by itself.
    private static let group = "0:0:0:0:0:0:0:0:0:0:255:255:239:1:2:3"

    private enum Operation: String, CaseIterable {
        case send, write, read, atomic

        var services: [String] {
            switch self {
            case .send: ["RC", "UC", "UD", "XRC"]
            case .write: ["RC", "UC", "XRC"]
            case .read, .atomic: ["RC", "XRC"]
            }
        }
    }

    static func all(at place: Run.Place, path: String?) -> [Run] {
        Operation.allCases.flatMap { operation in
            operation.services.flatMap { service in
                (Self.bandwidth(operation, service).map { ("ib_\(operation.rawValue)_bw", $0) }
                    + Self.latency(operation, service).map { ("ib_\(operation.rawValue)_lat", $0) })
                    .map { program, options in
                        Run(
                            program: program,
                            options: ["-c", service] + options.split(separator: " ").map(String.init),
                            place: place,
                            path: path,
                            expectation: Self.expectation(operation, service: service, options: options)
                        )
                    }
            }
        }
    }

    private static func expectation(
        _ operation: Operation,
        service: String,
        options: String
    ) -> Run.Expectation {
        if options.contains("--perform_warm_up") && !options.contains("-Q 1")
            && (operation == .atomic || options.contains("-s 64"))
        {
            return Self.warmUp
        }
        if options.contains("--odp"), operation == .atomic {
            return .fails(because: "perftest has no atomics with on-demand paging")
        }
        // perftest waits for every message, and nothing holds the sender of an unreliable service back: what the receiver's
        // socket buffer does not take is lost, as the service allows.
        let isCrowded = service == "UC" || ["-b", "-q 16", "-a"].contains { options.contains($0) }
        return operation == .send && ["UC", "UD"].contains(service) && isCrowded ? .mayLose : .passes
    }

    // MARK: - Options

    /// Every option with RC; with the other services those whose code differs.
    private static func bandwidth(_ operation: Operation, _ service: String) -> [String] {
        guard service == "RC" else { return Self.otherBandwidth(operation, service) }
        var options = [
            "-n 500", "-n 500 -b", "-n 200 -q 16", "-n 200 -q 16 -b", "-n 500 --use_old_post_send",
            "-n 500 -b --use_old_post_send", "-n 512 -l 8", "-n 500 -Q 1 -N", "-n 500 -t 1", "-n 500 --mr_per_qp -q 4",
            "-n 500 -S 3 -u 16 -p 20000", "-D 1 -f 0", "-n 200 --odp",
        ]
        if operation == .atomic {
            options += ["-A CMP_AND_SWAP -n 500", "-A CMP_AND_SWAP -n 200 -b -q 4", "-n 500 -o 1"]
        } else {
            options += Self.mtus.map { "-n 200 -m \($0)" }
            options += ["-a -n 20", "-s 8388608 -n 20", "-s 8388608 -n 10 -b"]
        }
        if operation == .atomic { options += ["-n 500 --perform_warm_up", "-n 500 -Q 1 --perform_warm_up"] }
        if operation == .write { options += ["-n 500 --perform_warm_up", "-n 500 -s 64 --perform_warm_up"] }
        // A write has no completion at its target, so perftest knows no events of it.
        if operation != .write { options += ["-n 500 -e", "-n 500 -e -b"] }
        if operation == .send || operation == .write {
            options += ["-s 64 -I 64 -n 1000", "-s 64 -I 64 -n 500 --use_old_post_send -q 4"]
        }
        if operation == .send {
            options += ["-n 500 -r 1024", "-n 500 --use-srq", "-n 200 --use-srq -q 16 -b", "-n 500 --use-srq -e"]
        }
        return options
    }

    private static func otherBandwidth(_ operation: Operation, _ service: String) -> [String] {
        var options = ["-n 500", "-n 500 -b", "-n 200 -q 16", "-n 500 --use_old_post_send"]
        if service != "UD", operation != .atomic { options += ["-n 100 -m 256", "-s 8388608 -n 10"] }
        if operation == .send { options += ["-n 500 -e", "-s 64 -I 64 -n 500"] }
        if service == "UD" { options += ["-n 500 --use-srq", "-n 500 -g -M \(Self.group)"] }
        return options
    }

    private static func latency(_ operation: Operation, _ service: String) -> [String] {
        var options = ["-n 500"]
        if operation != .write { options += ["-n 500 -e"] }
        if operation == .send || operation == .write { options += ["-s 64 -I 64 -n 500"] }
        if service == "UD" { options += ["-n 500 -g -M \(Self.group)"] }
        guard service == "RC" else { return options }
        options += ["-n 500 --use_old_post_send", "-n 100 -H", "-n 500 -p 20000 -S 3"]
        if operation == .atomic {
            options += ["-A CMP_AND_SWAP -n 500"]
        } else {
            options += ["-n 200 -s 10001 -m 256", "-n 200 -s 10001 -m 4096", "-s 8388608 -n 10"]
        }
        if operation == .send { options += ["-a -n 20", "-n 500 --use-srq"] }
        return options
    }
}
