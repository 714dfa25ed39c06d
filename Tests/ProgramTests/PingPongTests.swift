import TestSupport
import Testing

extension ProgramTests {
    /// The programs of ibverbs-utils against themselves.
    @Suite(.serialized)
    struct PingPongTests {
        @Test(arguments: Self.everyAddress)
        func `passes over every kind of address`(run: PingPong) throws {
            try run.expectSuccess()
        }

        @Test(arguments: Self.everyOption)
        func `passes with every option`(run: PingPong) throws {
            try run.expectSuccess()
        }

        @Test(arguments: Self.everyPathMTU)
        func `passes with every path MTU`(run: PingPong) throws {
            try run.expectSuccess()
        }

        @Test(arguments: Self.longMessages)
        func `carries a thousand long messages`(run: PingPong) throws {
            try run.expectSuccess()
        }

        @Test(arguments: PingPong.Program.allCases)
        func `passes where the loopback interface is the only one`(program: PingPong.Program) throws {
            let host = try NetworkNamespace()
            let server = try host.startOnVerbena([program.rawValue, "-g", "0", "-c"])
            let client = try PingPong.startClient(
                [program.rawValue, "-g", "0", "-c", "127.0.0.1"],
                in: host,
                of: server
            )
            let clientEnding = client.wait(timeoutSeconds: 30)
            if clientEnding != .exited(code: 0) { server.send(signal: 15) }
            let outcome = PingPong.Outcome(
                server: server,
                client: client,
                serverEnding: server.wait(timeoutSeconds: 30),
                clientEnding: clientEnding
            )
            PingPong.expectSuccess(of: outcome)
        }
    }
}

// MARK: - Cases

extension ProgramTests.PingPongTests {
    static let everyAddress: [PingPong] = PingPong.Program.allCases.flatMap { program in
        GIDTable.Kind.allCases.flatMap { address in
            PingPong.Placement.allCases.map { placement in
                PingPong(program: program, options: ["-c"], address: address, placement: placement)
            }
        }
    }

    static let everyOption: [PingPong] = PingPong.Program.allCases.flatMap { program in
        // Only ibv_rc_pingpong has -N, the new interface for posting, and -t, the times of completions.
        let common: [[String]] = [[], ["-e"], ["-e", "-c"]]
        let options =
            program == .rc
            ? common + [["-N"], ["-e", "-c", "-N"], ["-n", "1", "-s", "1"], ["-t"], ["-t", "-e", "-N"]] : common
        return options.flatMap { options in
            PingPong.Placement.allCases.map { PingPong(program: program, options: options, placement: $0) }
        }
    }

    static let everyPathMTU: [PingPong] = [PingPong.Program.rc, .uc, .srq].flatMap { program in
        ["256", "512", "1024", "2048", "4096"].flatMap { mtu in
            PingPong.Placement.allCases.map { placement in
                // An odd length ends in a padded packet.
                PingPong(
                    program: program,
                    options: ["-c", "-n", "100", "-s", "10001", "-m", mtu],
                    placement: placement
                )
            }
        }
    }

    static let longMessages: [PingPong] = PingPong.Program.allCases.flatMap { program in
        PingPong.Placement.allCases.flatMap { placement -> [PingPong] in
            // A datagram is one packet, so the path MTU is its limit.
            let byteCount = program == .ud ? "4096" : "65536"
            let options = ["-c", "-n", "1000", "-s", byteCount]
            let run = PingPong(program: program, options: options, placement: placement)
            guard program == .rc else { return [run] }
            return [run, PingPong(program: program, options: options + ["-e", "-N"], placement: placement)]
        }
    }
}
