/// The ping-pong programs of ibverbs-utils, with every option that each has.
enum PingPongRuns {
    private static let mtus = ["256", "512", "1024", "2048", "4096"]

    static func all(at place: Run.Place, path: String?) -> [Run] {
        var runs: [Run] = []
        func add(_ program: String, _ options: String, clients: Int = 1, _ expectation: Run.Expectation = .passes) {
            runs.append(
                Run(
                    program: program,
                    options: options.split(separator: " ").map(String.init),
                    place: place,
                    path: path,
                    clientCount: clients,
                    expectation: expectation
                )
            )
        }

        for program in ["ibv_rc_pingpong", "ibv_uc_pingpong", "ibv_ud_pingpong", "ibv_srq_pingpong"] {
            for options in [
                "", "-c", "-e", "-e -c", "-n 10000", "-n 1 -s 1", "-r 20 -c", "-l 3", "-p 20000", "-i 1 -d verbena0",
            ] {
                add(program, options)
            }
        }
        for program in ["ibv_rc_pingpong", "ibv_uc_pingpong", "ibv_srq_pingpong"] {
            // An odd length ends in a padded packet.
            for mtu in Self.mtus { add(program, "-c -n 100 -s 10001 -m \(mtu)") }
        }
        for options in ["-s 1048576 -n 100 -c", "-N", "-N -e -c", "-t", "-t -e -c", "-t -N", "-s 16777216 -n 5 -c"] {
            add("ibv_rc_pingpong", options)
        }
        for options in ["-o", "-o -c -e", "-O", "-o -P"] { add("ibv_rc_pingpong", options) }
        for options in ["-j", "-j -c -N"] { add("ibv_rc_pingpong", options) }
        for options in ["-q 1", "-q 64 -n 100 -c", "-q 16 -e -c -s 65536 -n 100"] { add("ibv_srq_pingpong", options) }
        add("ibv_srq_pingpong", "-o")
        add("ibv_ud_pingpong", "-s 1 -c")
        add("ibv_ud_pingpong", "-s 4096 -c")
        for options in ["", "-e", "-n 200", "-s 65536", "-m 1024 -s 10001", "-l 3", "-p 20000"] {
            add("ibv_xsrq_pingpong", options)
        }
        add("ibv_xsrq_pingpong", "-o")
        // The server reaches each client also through the connections of the others, who have to work on its memory.
        let severalClients: Run.Expectation =
            path == "wire" ? .fails(because: "VERBENA_PATH=wire forbids work on other processes' memory") : .passes
        add("ibv_xsrq_pingpong", "-c 3", clients: 3, severalClients)
        add("ibv_xsrq_pingpong", "-c 3 -e", clients: 3, severalClients)
        return runs
    }
}
