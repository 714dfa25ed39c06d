import ArgumentParser
import SystemIO

/// `verbena doctor`: looks at what the machine allows and says of each thing what it means and what mends it.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what this machine allows, and how to mend what it does not.",
        discussion: """
            Each line begins with 'ok', 'note' (Verbena works, but slower or with less) or 'problem' (it does not \
            work). The exit code is 1 when there is a problem. Nothing is changed.
            """
    )

    func run() throws {
        let findings =
            [Self.installation(), Self.port(), Self.interfaces(), Self.sharedMemory(), Self.openFiles()]
            + Self.socketBuffers() + [Self.crossMemory(), Self.lockedMemory(), Self.ioUring(), Self.hugePages()]
        for finding in findings { print(finding.text) }
        let problemCount = findings.count { $0.level == .problem }
        guard problemCount > 0 else { return }
        throw CommandFailure(problemCount == 1 ? "there is a problem." : "there are \(problemCount) problems.")
    }

    private static func installation() -> Finding {
        let meaning = "Programs load these libraries in place of the system's, through LD_LIBRARY_PATH."
        do {
            return Finding(
                level: .ok,
                title: "libraries",
                state: try Installation.libraryFolder(),
                meaning: meaning
            )
        } catch {
            let state = (error as? CommandFailure)?.message ?? "\(error)"
            return Finding(level: .problem, title: "libraries", state: state, meaning: meaning, remedy: "make build")
        }
    }
}
