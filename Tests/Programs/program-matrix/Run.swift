/// One run of a program of Debian's: a server, its clients, and what they are told.
struct Run: Sendable {
    /// Where the two sides stand.
    enum Place: String, CaseIterable, Sendable {
        case oneHost = "one host"
        case twoHosts = "two hosts"
    }

    /// What is known of a run before it is made.
    enum Expectation: Equatable, Sendable {
        case passes
        /// It cannot pass. When it does, the list of runs is wrong.
        case fails(because: String)
        /// The service may lose messages, and the program waits for all of them: it may not end.
        case mayLose
    }

    var program: String
    var options: [String]
    var place: Place
    /// The value of `VERBENA_PATH`, or nil where it is not set.
    var path: String?
    var clientCount = 1
    var expectation = Expectation.passes

    /// The command as the table shows it. The GID's index and the server's address are missing: they are the same in all.
    var command: String { ([self.program] + self.options).joined(separator: " ") }

    /// The column of the table, and what a filter sees after the command.
    var column: String {
        guard let path = self.path else { return self.place.rawValue }
        return "\(self.place.rawValue), \(path)"
    }

    /// The command and where it runs.
    var name: String { "\(self.command) @ \(self.column)" }

    /// perftest's programs name their options otherwise than the ping-pongs do.
    var isPerftest: Bool { self.program.hasPrefix("ib_") }

    /// Where the server listens.
    var port: Int {
        guard let index = self.options.firstIndex(of: "-p") else { return 18515 }
        return Int(self.options[index + 1]) ?? 18515
    }
}
