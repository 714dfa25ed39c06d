import CShims
import Glibc

/// Small text files, as the kernel shows them under `/proc` and `/sys`.
package enum TextFile {
    /// Reads the first `byteCountMax` bytes of the file at `path`.
    ///
    /// - Throws: `ENOENT`, `EACCES`; what read(2) says.
    package static func read(_ path: String, byteCountMax: Int = 4096) throws(Errno) -> String {
        let rawDescriptor = try checkingErrno { unsafe cshims_open(path, O_RDONLY | O_CLOEXEC, 0) }
        let descriptor = OwnedDescriptor(takingOver: rawDescriptor)
        var bytes = [UInt8](repeating: 0, count: byteCountMax)
        var byteCount = 0
        while byteCount < byteCountMax {
            let start = byteCount
            let count = try checkingErrno {
                // SAFETY: the kernel writes into the array, from `start` to its end at most.
                unsafe bytes.withUnsafeMutableBytes {
                    unsafe Glibc.read(descriptor.rawValue, $0.baseAddress.unsafelyUnwrapped + start, $0.count - start)
                }
            }
            if count == 0 { break }
            byteCount += count
        }
        return String(decoding: bytes[..<byteCount], as: UTF8.self)
    }

    /// Writes the file at `path`, and makes it, readable for everybody, if it is not there.
    ///
    /// - Throws: What open(2) and write(2) say; `EIO` when the text was written in part.
    package static func write(_ text: String, to path: String) throws(Errno) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let rawDescriptor = try checkingErrno { unsafe cshims_open(path, flags, 0o644) }
        let descriptor = OwnedDescriptor(takingOver: rawDescriptor)
        let bytes = Array(text.utf8)
        // SAFETY: the kernel reads the array.
        let byteCount = try checkingErrno { unsafe Glibc.write(descriptor.rawValue, bytes, bytes.count) }
        guard byteCount == bytes.count else { throw .ioError }
    }
}
