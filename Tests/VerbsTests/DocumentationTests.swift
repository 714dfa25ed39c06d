import Foundation
import TestSupport
import Testing

/// A piece of Swift in the documentation.
private struct Snippet {
    /// Where it stands, to be read in a compiler's message.
    let place: String
    let source: String
    /// The example that it is taken from, where a comment before it says so.
    let excerptOf: String?

    var isManifest: Bool { self.source.contains("import PackageDescription") }

    /// As a file of its own.
    func file(number: Int) -> String {
        if self.source.contains("@main") {
            // A module has one beginning.
            return self.source.replacing("@main\n", with: "").replacing("struct ", with: "struct S\(number)_")
        }
        let imports = "import Verbs\n"
        return imports + "func snippet\(number)() async throws {\n\(self.source)\n}\n"
    }
}

@Suite("Documentation")
struct DocumentationTests {
    private static func markdown(_ path: String) throws -> [Snippet] {
        let text = try String(contentsOfFile: "\(Project.root)/\(path)", encoding: .utf8)
        return self.snippets(in: text.components(separatedBy: "\n"), path)
    }

    /// The documentation comments of a source file.
    private static func comments(_ path: String) throws -> [Snippet] {
        let text = try String(contentsOfFile: "\(Project.root)/\(path)", encoding: .utf8)
        let lines = text.components(separatedBy: "\n").map { line in
            let trimmed = line.drop { $0 == " " }
            guard trimmed.hasPrefix("///") else { return "" }
            return String(trimmed.dropFirst(trimmed.hasPrefix("/// ") ? 4 : 3))
        }
        return self.snippets(in: lines, path)
    }

    private static func snippets(in lines: [String], _ path: String) -> [Snippet] {
        var snippets: [Snippet] = []
        var open: (line: Int, source: [String])?
        for (index, line) in lines.enumerated() {
            if let (start, source) = open {
                guard line == "```" else {
                    open = (start, source + [line])
                    continue
                }
                let before = start > 0 ? lines[start - 1] : ""
                let excerpt = before.hasPrefix("<!-- Examples/") ? String(before.dropFirst(5).dropLast(4)) : nil
                snippets.append(
                    Snippet(place: "\(path):\(start + 1)", source: source.joined(separator: "\n"), excerptOf: excerpt)
                )
                open = nil
            } else if line == "```swift" {
                open = (index, [])
            }
        }
        return snippets
    }

    private static func files(under folder: String, suffix: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: "\(Project.root)/\(folder)")?.compactMap { $0 as? String }
        return (names ?? []).filter { $0.hasSuffix(suffix) }.sorted().map { "\(folder)/\($0)" }
    }

    private static func all() throws -> [Snippet] {
        try self.files(under: "Sources/Verbs", suffix: ".md").flatMap(self.markdown)
            + self.files(under: "Sources/Verbs", suffix: ".swift").flatMap(self.comments) + self.markdown("README.md")
    }

    @Test func `every piece of Swift compiles`() throws {
        let snippets = try Self.all().filter { $0.excerptOf == nil && !$0.isManifest }
        #expect(snippets.count >= 15, "the pieces are found")
        let files = snippets.enumerated().map { index, snippet in
            (
                "snippet\(index).swift",
                "#sourceLocation(file: \"\(snippet.place)\", line: 1)\n" + snippet.file(number: index)
            )
        }
        let said = try SnippetCompiler.diagnostics(files)
        #expect(!said.contains("error:"), "\(said)")
    }

    /// Examples are compiled and run by their own tests.
    @Test func `what is said to be of an example stands in it`() throws {
        let excerpts = try Self.all().filter { $0.excerptOf != nil }
        #expect(excerpts.count >= 7)
        for excerpt in excerpts {
            let path = try #require(excerpt.excerptOf)
            let text = try String(contentsOfFile: "\(Project.root)/\(path)", encoding: .utf8)
            func lines(_ text: String) -> [String] {
                text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            }
            let (all, wanted) = (lines(text), lines(excerpt.source))
            let isThere = all.indices.contains { all[$0...].starts(with: wanted) }
            #expect(isThere, "\(excerpt.place) is not in \(path)")
        }
    }
}
