import Glibc
import TestSupport

/// Compiles Swift source against the modules that this test process was built with, as a user's compiler does, up to
/// where it finds errors of ownership and lifetime.
enum SnippetCompiler {
    /// What the compiler said; empty when it had nothing to say.
    ///
    /// - Parameter files: Names and sources. Each is a file of one module.
    static func diagnostics(_ files: [(name: String, source: String)]) throws -> String {
        var paths: [String] = []
        for (name, source) in files {
            let path = try TemporaryFolder.shared.file(name)
            guard let file = fopen(path, "w") else { throw TestFailure("\(path) cannot be written") }
            fputs(source, file)
            fclose(file)
            paths.append(path)
        }
        let arguments = [
            "swiftc", "-emit-sil", "-o", "/dev/null", "-wmo", "-parse-as-library", "-swift-version", "6",
            "-module-name", "Snippets",
        ]
        let child = try ChildProcess(arguments + Self.searchPaths + paths)
        let ending = child.wait(timeoutSeconds: 240)
        guard case .exited = ending else { throw TestFailure("swiftc: \(ending)") }
        return child.output
    }

    /// Where the modules lie: beside the test program.
    private static let searchPaths: [String] = {
        let moduleMaps = ["CVerbs", "CISAL", "CVerbena"].map { "\(Project.root)/Sources/\($0)/module.modulemap" }
        return ["-I", "\(Project.products)/Modules"]
            + (moduleMaps + ["\(Project.products)/CShims.build/module.modulemap"]).flatMap {
                ["-Xcc", "-fmodule-map-file=\($0)"]
            }
    }()
}
