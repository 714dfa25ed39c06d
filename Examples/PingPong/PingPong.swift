// Two processes send a message to and fro and say how long a round takes.
//
//     ping-pong server 7000
//     ping-pong client localhost 7000

import Verbs

@main
struct PingPong {
    static let roundCount = 1000

    static func main() async throws {
        var arguments = CommandLine.arguments.dropFirst().filter { $0 != "--system" }
        let library = CommandLine.arguments.contains("--system") ? try VerbsLibrary.system : .embedded
        let endpoint = try Endpoint(library.device())
        switch arguments.isEmpty ? "" : arguments.removeFirst() {
        case "server" where arguments.count == 1:
            let listener = try Listener(on: endpoint, port: UInt16(arguments[0]) ?? 0)
            print("listening on port \(listener.port)")
            try await Self.serve(listener.accept())
        case "client" where arguments.count == 2:
            let connection = try await Connection(to: arguments[0], port: UInt16(arguments[1]) ?? 0, on: endpoint)
            try await Self.measure(connection)
        default:
            print("usage: ping-pong server PORT | ping-pong client HOST PORT")
        }
    }

    /// Sends back what comes, until the client closes.
    static func serve(_ connection: Connection) async throws {
        for try await message in connection.messages { try await connection.send(message) }
        print("the client has closed")
    }

    static func measure(_ connection: Connection) async throws {
        let message = [UInt8](repeating: 0x55, count: 64)
        let clock = ContinuousClock()
        var rounds: [Duration] = []
        for _ in 0..<Self.roundCount {
            let start = clock.now
            try await connection.send(message)
            guard try await connection.receive() == message else { fatalError("the answer differs") }
            rounds.append(clock.now - start)
        }
        await connection.close()
        rounds.sort()
        print("\(rounds.count) rounds of \(message.count) bytes, median \(rounds[rounds.count / 2])")
    }
}
