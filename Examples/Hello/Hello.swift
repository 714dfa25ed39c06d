// The shortest program that moves bytes by verbs: both ends in one process. `hello --system` uses the machine's libibverbs.

import Verbs

@main
struct Hello {
    static func main() async throws {
        let library = CommandLine.arguments.contains("--system") ? try VerbsLibrary.system : .embedded
        let endpoint = try Endpoint(library.device())
        let listener = try Listener(on: endpoint)
        async let client = Connection(to: "localhost", port: listener.port, on: endpoint)
        let server = try await listener.accept()
        try await client.send("Hello, verbs!")
        print(try await server.receiveText() ?? "nothing came")
    }
}
