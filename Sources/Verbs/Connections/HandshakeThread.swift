internal import SystemIO

/// Runs what blocks, an exchange of addresses, in a thread of its own that ends with it: Swift's own threads must not block.
internal enum HandshakeThread {
    /// - Parameter abandon: Gets what was made when the task that waited was cancelled meanwhile.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(VerbsError) -> Value,
        abandon: @escaping @Sendable (Value) -> Void
    ) async throws -> Value {
        let outcome = Outcome<Value>()
        try self.start {
            do throws(VerbsError) {
                let value = try body()
                if !outcome.end(.success(value)) { abandon(value) }
            } catch {
                outcome.end(.failure(error))
            }
        }
        return try await outcome.value()
    }

    static func start(_ body: @escaping @Sendable () -> Void) throws(VerbsError) {
        do throws(Errno) {
            try BackgroundThread(name: "verbs-handshake", body).detach()
        } catch {
            throw VerbsError(error, operation: "pthread_create")
        }
    }
}
