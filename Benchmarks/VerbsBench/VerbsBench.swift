import Glibc
import TestSupport
import Verbs

/// Measures the Swift API beside C on the same adapter, the staged libibverbs.so.1, and its awaited level beside its thin one.
///
///     scripts/bench verbs
@main
enum VerbsBench {
    private static let runCount = 7

    static func main() async {
        do {
            if CommandLine.arguments.contains("thin") {
                try ThinLevel.measure(VerbsLibrary.at("libibverbs.so.1"))
            } else if CommandLine.arguments.contains("awaited") {
                try await AwaitedLevel.measure()
            } else {
                try Self.compare()
            }
        } catch {
            print("verbs-bench: \(error)")
            exit(1)
        }
    }

    /// Runs Swift and C in turns, each in a process of its own.
    private static func compare() throws {
        try Project.requireBuild()
        let program = try TemporaryFolder.shared.file("thin")
        let source = "\(Project.root)/Benchmarks/VerbsBench/Programs/thin.c"
        try Shell.run("gcc", "-O2", "-o", program, source, "-libverbs")
        print("The thin level beside C, both on \(Project.libraries); ns, medians of \(Self.runCount) runs in turns:")
        try Self.table(own: [Project.testProgram, "thin"], other: [program], names: ("Swift", "C"))
        print("The awaited level beside the thin one, both embedded; ns, medians likewise:")
        try Self.table(own: [Project.testProgram, "awaited"], other: nil, names: ("awaited", "thin"))
    }

    private static func table(own: [String], other: [String]?, names: (String, String)) throws {
        var rows: [(name: String, pairs: [(Double, Double)])] = []
        for _ in 0..<Self.runCount {
            let ownOutput = try Self.run(own)
            // The awaited level measures the thin one in the same process.
            let otherOutput = try other.map(Self.run) ?? ownOutput.filter { $0.name.hasPrefix("thin ") }
            for (name, value) in ownOutput where !name.hasPrefix("thin ") {
                guard let reference = otherOutput.first(where: { $0.name == name || $0.name == "thin \(name)" }) else {
                    continue
                }
                if let index = rows.firstIndex(where: { $0.name == name }) {
                    rows[index].pairs.append((value, reference.value))
                } else {
                    rows.append((name, [(value, reference.value)]))
                }
            }
        }
        for row in rows {
            let own = Self.median(row.pairs.map(\.0))
            let other = Self.median(row.pairs.map(\.1))
            let ratio = Self.median(row.pairs.map { $0.0 / $0.1 })
            print("  \(row.name): \(names.0) \(own), \(names.1) \(other), ratio \((ratio * 1000).rounded() / 1000)")
        }
    }

    private static func run(_ command: [String]) throws -> [(name: String, value: Double)] {
        let child = try ChildProcess(command, environment: ["LD_LIBRARY_PATH": Project.libraries])
        guard child.wait(timeoutSeconds: 120) == .exited(code: 0) else {
            throw TestFailure("\(child.commandLine): \(child.output)")
        }
        return child.output.split(separator: "\n").compactMap { line in
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                return nil
            }
            return (String(line[..<space]), value)
        }
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }
}
