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
        return source.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("CASE("), let end = line.firstIndex(of: ")") else { return nil }
            return String(line[line.index(line.startIndex, offsetBy: 5)..<end])
        }
    }

    /// Runs a case to its end, and takes for granted that it holds.
    func check(_ testCase: String) throws {
        try Project.requireBuild()
        let executable = try CProgram.compile(self.path)
        let process = try ChildProcess(
            [executable, testCase],
            environment: ["LD_LIBRARY_PATH": Project.libraries]
        )
        let ending = process.wait(timeoutSeconds: 120)
        guard ending == .exited(code: 0), process.output.contains("\(testCase) holds") else {
            throw TestFailure("\(self.name) \(testCase): \(ending)\n\(process.output)")
        }
    }
}
