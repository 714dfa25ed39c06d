/// One thing that `verbena doctor` looked at: how it stands, what that means, and what mends it.
struct Finding {
    enum Level: String {
        case ok
        /// Verbena works, but slower, or with less.
        case note
        /// Verbena does not work.
        case problem
    }

    var level: Level
    var title: String
    /// How it stands, in a few words.
    var state: String
    /// What it is for, and what its state means.
    var meaning: String
    /// The command that mends it; nil where nothing has to be mended.
    var remedy: String?

    private static let indentation = String(repeating: " ", count: 9)
    private static let lineWidth = 100

    var text: String {
        let label = self.level.rawValue.padding(to: Self.indentation.count)
        let heading = Self.wrapped("\(self.title): \(self.state)")
        var lines = heading.indices.map { ($0 == 0 ? label : Self.indentation) + heading[$0] }
        lines += Self.wrapped(self.meaning).map { Self.indentation + $0 }
        if let remedy = self.remedy { lines.append("\(Self.indentation)mend: \(remedy)") }
        return lines.joined(separator: "\n")
    }

    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.count + word.count + 1 > Self.lineWidth - Self.indentation.count, !line.isEmpty {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return line.isEmpty ? lines : lines + [line]
    }
}

extension String {
    /// The string with spaces behind it up to a width.
    func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - self.count))
    }
}
