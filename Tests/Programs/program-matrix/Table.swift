import Foundation
import TestSupport

/// `docs/programs.md`: a row for each command, a column for each place.
struct Table {
    let runs: [Run]
    /// Of those that were made.
    let results: [RunResult]

    var text: String {
        var lines = [
            "# Debian's programs on Verbena", "",
            "Made by `make programs`; do not edit. Each row is a command: the server runs it as it stands, the client with the",
            "server's address behind it; both were given the GID of an IPv4 address (`-g`, for perftest `-x`), perftest also",
            "`-F`. *One host*: both in one network namespace, with `VERBENA_PATH` as said. *Two hosts*: in two, which a pair",
            "of virtual Ethernet interfaces joins, MTU 4500. A cell has the seconds that the run took, both programs' start and",
            "end included, where all ended with status 0, printed their figures and no complaint; or **fails** and the reason;",
            "or *no* and why it cannot pass. *Messages were lost*: of an unreliable service, which the program waited for",
            "in vain.", "",
            "\(Self.versions), \(Self.today()). \(self.summary)",
        ]
        let columns = Self.unique(self.runs.map(\.column))
        let cells = Dictionary(self.results.map { ($0.run.name, $0.cell) }, uniquingKeysWith: { first, _ in first })
        var program = ""
        for command in self.commands {
            let row = columns.map { cells["\(command) @ \($0)"] ?? "not run" }
            let name = String(command.prefix { $0 != " " })
            if name != program {
                program = name
                lines += ["", "## \(name)", "", "| | \(columns.joined(separator: " | ")) |"]
                lines.append("|---|\(String(repeating: "---|", count: columns.count))")
            }
            let options = command.dropFirst(name.count + 1)
            lines.append("| \(options.isEmpty ? "no option" : "`\(options)`") | \(row.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Each command once, those of one program together.
    private var commands: [String] {
        Self.unique(self.runs.map(\.program)).flatMap { program in
            Self.unique(self.runs.filter { $0.program == program }.map(\.command))
        }
    }

    /// The first of each.
    private static func unique(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }
    }

    var summary: String {
        let passed = self.results.count { $0.failure == nil }
        let lossy = self.results.count { $0.failure != nil && $0.run.expectation == .mayLose }
        let missing = self.results.count { $0.failure != nil && $0.isExpected } - lossy
        let wrong = self.results.count { !$0.isExpected }
        return
            "\(self.results.count) runs: \(passed) passed, \(missing) cannot pass, \(lossy) lost messages, \(wrong) went otherwise than expected."
    }

    private static let versions = ["ibverbs-utils", "perftest"]
        .map { "\($0) \((try? Shell.run("dpkg-query", "-W", "-f=${Version}", $0)) ?? "of an unknown version")" }
        .joined(separator: ", ")

    private static func today() -> String {
        ISO8601DateFormatter.string(from: Date(), timeZone: .gmt, formatOptions: .withFullDate)
    }
}
