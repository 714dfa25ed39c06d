import CShims
import Glibc

extension TextFile {
    private static let chunkByteCount = 16384
    /// No file that is read here is larger; of one that is, the rest is not read.
    private static let wholeByteCountMax = 16 << 20

    /// The text of a file of any length, or nil when it cannot be read. Bytes that are no UTF-8 are replaced.
    package static func contents(of path: String) -> String? {
        let bytes = try? self.bytes(of: path, byteCountMax: self.wholeByteCountMax)
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first line, or nil when the file cannot be read.
    package static func firstLine(of path: String) -> String? {
        (try? self.read(path)).map { String($0.prefix { $0 != "\n" }) }
    }

    /// The number that a file begins with, or nil when there is none.
    package static func number(in path: String) -> Int? {
        self.firstLine(of: path).flatMap { Int($0.prefix { !$0.isWhitespace }) }
    }

    /// The bytes of a file from its beginning.
    ///
    /// - Throws: `ENOENT`, `EACCES`; what read(2) says.
    package static func bytes(of path: String, byteCountMax: Int) throws(Errno) -> [UInt8] {
        let rawDescriptor = try checkingErrno { unsafe cshims_open(path, O_RDONLY | O_CLOEXEC, 0) }
        let descriptor = OwnedDescriptor(takingOver: rawDescriptor)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: self.chunkByteCount)
        while bytes.count < byteCountMax {
            let wanted = min(chunk.count, byteCountMax - bytes.count)
            let count = try checkingErrno {
                // SAFETY: the kernel writes at most `wanted` bytes into the chunk, which has as many.
                unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor.rawValue, $0.baseAddress, wanted) }
            }
            if count == 0 { break }
            bytes += chunk.prefix(count)
        }
        return bytes
    }
}
