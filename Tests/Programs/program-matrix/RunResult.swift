/// How a run went.
struct RunResult: Sendable {
    var run: Run
    var seconds: Double
    /// Nil when it passed.
    var failure: String?

    /// True when it went as expected.
    var isExpected: Bool {
        switch self.run.expectation {
        case .passes: self.failure == nil
        case .fails: self.failure != nil
        case .mayLose: true
        }
    }

    /// A cell of the table.
    var cell: String {
        let seconds = (self.seconds * 10).rounded() / 10
        switch (self.failure, self.run.expectation) {
        case (nil, .passes), (nil, .mayLose): return "\(seconds) s"
        case (nil, .fails): return "**passes**, \(seconds) s"
        case (let failure?, .passes): return "**fails**, \(seconds) s: \(failure)"
        case (_?, .fails(let reason)): return "no: \(reason)"
        case (_?, .mayLose): return "messages were lost"
        }
    }
}
