import Glibc

/// The standard error stream, for a command's own messages. What a library says goes through `Diagnostics`.
package enum StandardError {
    /// Writes a line in one call, so that lines of several processes do not mix. A failure is nobody's to hear.
    package static func writeLine(_ line: String) {
        var text = line + "\n"
        text.withUTF8 { bytes in
            // SAFETY: the bytes are valid during the call.
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
