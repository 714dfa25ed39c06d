import ArgumentParser
import Registration
import SystemIO

/// `verbena fork-demo`: the hazard of fork for memory that a device works on, and what `mark_nocopy` does about it.
struct ForkDemo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork-demo",
        abstract: "Show what fork does to memory that a device works on, with and without mark_nocopy.",
        discussion: """
            A device does not know the addresses of a program. It knows the physical page, the piece of memory in \
            the machine, that was behind an address when the program registered it. This shows, on this machine and \
            without a device, how a fork pulls the two apart: the kernel itself plays the device, by holding a page \
            in a pipe.
            """
    )

    func run() throws {
        let account = RegistrationAccount(configuration: RegistrationConfiguration(policy: .eager))
        print("A program and a device share one page of memory. The page holds 'A'. The device holds on to the page")
        print("itself; the program knows it by an address.")
        print("")
        print("1. Without a mark")
        try Self.show { _, _ in }
        print("2. The same after mark_nocopy(address, length, 1)")
        try Self.show { address, byteCount throws(Errno) in
            try account.changeMarks(address: address, byteCount: byteCount, isMarking: true)
        }
        print("Verbena marks registered memory by itself once a program calls ibv_fork_init(), or RDMAV_FORK_SAFE=1 is")
        print("set. VERBENA_FORK_CHECK=1 tells which registrations of a program a fork would hurt.")
    }

    private static func show(prepare: (UInt, UInt) throws(Errno) -> Void) throws {
        let outcome: CopyOnWriteExperiment.Outcome
        do throws(Errno) {
            outcome = try CopyOnWriteExperiment.run(prepare: prepare)
        } catch {
            throw CommandFailure("the experiment cannot be made here: \(error.message).")
        }
        for line in Self.lines(about: outcome) { print("   " + line) }
        print("")
    }

    private static func lines(about outcome: CopyOnWriteExperiment.Outcome) -> [String] {
        let seen = Character(UnicodeScalar(outcome.seenByHolder))
        var lines = [
            "The program starts a child (fork), which begins with the same memory, and then writes 'B' to its address."
        ]
        if outcome.isSplit {
            lines.append("The device still sees '\(seen)': it works on a page that the program no longer has.")
            lines.append(
                "Why: after the fork, parent and child share every page until one of them writes. The writer gets a"
            )
            lines.append(
                "copy, and here the writer was the program. The device went on with the original. Data that it"
            )
            lines.append("receives now never reaches the program, and nobody is told.")
        } else {
            lines.append("The device sees '\(seen)': program and device work on the same page.")
            lines.append(
                "Why: the child was started without this page, so there was nothing to share and nothing to copy."
            )
        }
        guard let before = outcome.frameBefore, let after = outcome.frameAfter else {
            return lines + ["(Run as root, this also shows the number of the physical page before and after.)"]
        }
        let comparison = before == after ? "the same" : "another one"
        let numbers = "0x\(String(before, radix: 16)) before, 0x\(String(after, radix: 16)) after: \(comparison)"
        return lines + ["Physical page behind the program's address: \(numbers)."]
    }
}
