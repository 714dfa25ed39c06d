import Glibc

/// Messages to the user of a program, one line each, on standard error.
///
/// `VERBENA_LOG` chooses what is told: `off`, `warning` (the default), or `debug`.
package enum Diagnostics {
    /// How much is told, from nothing to everything.
    package enum Level: Int, Comparable, Sendable {
        case off
        case warning
        case debug

        package static func < (first: Level, second: Level) -> Bool { first.rawValue < second.rawValue }
    }

    /// What `VERBENA_LOG` asks for. An unknown word means the default.
    package static var level: Level {
        switch Environment.value(of: "VERBENA_LOG") {
        case "off", "0", "none", "quiet": .off
        case "debug", "all": .debug
        default: .warning
        }
    }

    /// Tells of something that the user can mend, or should know.
    package static func warn(_ message: @autoclosure () -> String) {
        if self.level >= .warning { self.writeLine(message()) }
    }

    /// Tells of something that helps to find a fault.
    package static func debug(_ message: @autoclosure () -> String) {
        if self.level >= .debug { self.writeLine(message()) }
    }

    /// Writes in one call, so that lines of several processes do not mix.
    private static func writeLine(_ message: String) {
        var line = "verbena: " + message + "\n"
        line.withUTF8 { bytes in
            // SAFETY: the bytes are valid during the call. A closed standard error is nobody's fault.
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
