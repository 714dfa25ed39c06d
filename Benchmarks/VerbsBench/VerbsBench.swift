import Glibc
import TestSupport
import Verbs

/// Measures the Swift API beside C on the same adapter, the staged libibverbs.so.1, and its awaited level beside its thin one
/// and beside what the kernel takes to wake two threads.
///
///     scripts/bench verbs
@main
enum VerbsBench {
    private static let runCount = 3

    static func main() async {
        do {
            if let index = CommandLine.arguments.firstIndex(of: "thin") {
                try ThinLevel.compare(VerbsLibrary.at("libibverbs.so.1"), CommandLine.arguments[index + 1])
            } else if CommandLine.arguments.contains("awaited") {
                try await AwaitedLevel.measure()
            } else {
                try Self.measure()
            }
        } catch {
            print("verbs-bench: \(error)")
            exit(1)
        }
    }

    /// Measures in processes of their own, several times: how memory happens to lie differs between them.
    private static func measure() throws {
        try Project.requireBuild()
        let program = try TemporaryFolder.shared.file("thin.so")
        let source = "\(Project.root)/Benchmarks/VerbsBench/Programs/thin.c"
        try Shell.run("gcc", "-O2", "-shared", "-fPIC", "-o", program, source, "-libverbs")
        print("The thin level beside C, in turns in one process, both on \(Project.libraries); ns, medians:")
        for _ in 0..<Self.runCount { print(try Self.run("thin", program), terminator: "") }
        print("The awaited level, embedded; ns, medians:")
        for _ in 0..<Self.runCount { print(try Self.run("awaited"), terminator: "") }
    }

    private static func run(_ arguments: String...) throws -> String {
        let child = try ChildProcess(
            [Project.testProgram] + arguments,
            environment: ["LD_LIBRARY_PATH": Project.libraries]
        )
        guard child.wait(timeoutSeconds: 120) == .exited(code: 0) else {
            throw TestFailure("\(child.commandLine): \(child.output)")
        }
        return child.output
    }
}
