import TestSupport

/// One of the C programs in `Programs`, compiled against the system's headers and run on the staged library.
///
/// Its cases are found in its source: each `CASE(name)` is one, and runs in a process of its own.
struct ABIProgram {
    let name: String

    private var path: String { "Tests/ABITests/Programs/\(self.name).c" }

    /// The names of the cases, in the order of the source.
    var cases: [String] {
        guard let source = try? Shell.run("cat", "\(Project.root)/\(self.path)") else { return [] }
        return source.split(separator: "\n").compactMap(Self.caseName)
    }

    private static func caseName(_ line: Substring) -> String? {
        guard line.hasPrefix("CASE("), let end = line.firstIndex(of: ")") else { return nil }
        return String(line[line.index(line.startIndex, offsetBy: 5)..<end])
    }

    /// The names that a case's SHOWS and REFUSES statements have, which `scripts/make-conformance` puts into the table.
    private func namesToShow(in testCase: String) throws -> Set<String> {
        let source = try Shell.run("cat", "\(Project.root)/\(self.path)")
        let lines = source.split(separator: "\n")
        guard let start = lines.firstIndex(where: { Self.caseName($0) == testCase }) else { return [] }
        let end = lines[(start + 1)...].firstIndex { Self.caseName($0) != nil } ?? lines.endIndex
        let body = lines[start..<end].joined(separator: " ")
        var names: Set<String> = []
        for match in body.matches(of: /\b(SHOWS|REFUSES)\(([^;]*)\);/) {
            let words = match.2.split(separator: ",").map { $0.trimmingPrefix { $0.isWhitespace } }
            names.formUnion((match.1 == "SHOWS" ? words : Array(words.prefix(1))).map(String.init))
        }
        return names
    }

    /// Runs a case to its end, and takes for granted that it holds.
    ///
    /// - Parameter path: By which way the queue pairs reach each other, as `VERBENA_PATH` has it.
    func check(_ testCase: String, path: String = "auto") throws {
        try Project.requireBuild()
        let executable = try CProgram.compile(self.path)
        let process = try ChildProcess(
            [executable, testCase],
            environment: ["LD_LIBRARY_PATH": Project.libraries, "VERBENA_PATH": path]
        )
        let ending = process.wait(timeoutSeconds: 120)
        guard ending == .exited(code: 0), process.output.contains("\(testCase) holds") else {
            throw TestFailure("\(self.name) \(testCase) over \(path): \(ending)\n\(process.output)")
        }
        let shown = Set(process.output.matches(of: /shown: (\w+)/).map { String($0.1) })
        let missing = try self.namesToShow(in: testCase).subtracting(shown)
        guard missing.isEmpty else {
            throw TestFailure("\(self.name) \(testCase) holds without having shown \(missing.sorted())")
        }
    }
}
