import CShims
import Glibc

/// A program on disk, found as a shell finds it, and what the dynamic loader will do with it.
///
/// It does not start the program; see `ProcessImage`.
package struct ProgramFile: Sendable {
    /// Why no program was found. Shells answer the first with exit code 127 and the second with 126.
    package enum Failure: Error, Equatable, Sendable {
        case notFound
        case notExecutable(path: String)
    }

    /// Why the dynamic loader would not take `LD_LIBRARY_PATH` for a program. See ld.so(8).
    package enum LoaderRefusal: Equatable, Sendable {
        /// The file carries capabilities, so that the program gains rights.
        case hasCapabilities
        /// The set-user-ID or set-group-ID bit changes who the program runs as.
        case changesIdentity
        /// Everything is linked in; no library is loaded.
        case isStatic
    }

    package let path: String

    /// Looks the program up.
    ///
    /// - Parameters:
    ///   - name: A path when it has a slash, else a name that is looked up in `searchPath`.
    ///   - searchPath: Folders with colons between, as in `PATH`; an empty one is the current folder.
    package init(name: String, searchPath: String) throws(Failure) {
        var refused: String?
        for candidate in Self.candidates(for: name, searchPath: searchPath) {
            switch Self.access(of: candidate) {
            case .executable:
                self.path = candidate
                return
            case .refused: refused = refused ?? candidate
            case .absent: continue
            }
        }
        guard let refused else { throw .notFound }
        throw .notExecutable(path: refused)
    }

    /// Why the loader would pass by the libraries of `LD_LIBRARY_PATH`, or nil when it takes them.
    package var loaderRefusal: LoaderRefusal? {
        if self.changesIdentity { return .changesIdentity }
        // SAFETY: a size of 0 only asks whether the attribute is there.
        if unsafe getxattr(self.path, "security.capability", nil, 0) > 0, getuid() != 0 { return .hasCapabilities }
        return self.isStaticImage ? .isStatic : nil
    }
}

// MARK: - Looking up

extension ProgramFile {
    private enum Access {
        case executable, refused, absent
    }

    private static func candidates(for name: String, searchPath: String) -> [String] {
        if name.utf8.contains(UInt8(ascii: "/")) { return [name] }
        if name.isEmpty { return [] }
        return searchPath.split(separator: ":", omittingEmptySubsequences: false).map { folder in
            folder.isEmpty ? "./\(name)" : "\(folder)/\(name)"
        }
    }

    private static func access(of path: String) -> Access {
        guard let status = status(of: path) else { return .absent }
        guard status.st_mode & S_IFMT == S_IFREG else { return .refused }
        // SAFETY: the string is a null-terminated copy for the time of the call.
        return unsafe Glibc.access(path, X_OK) == 0 ? .executable : .refused
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        // SAFETY: `status` is the place that the call fills.
        return unsafe stat(path, &status) == 0 ? status : nil
    }
}

// MARK: - The dynamic loader

extension ProgramFile {
    /// Parts of an ELF file that say whether a loader is asked for. See elf(5).
    private enum Image {
        static let headerByteCount = 64
        static let programHeaderOffset = 32
        static let programHeaderByteCount = 54
        static let programHeaderCount = 56
        static let interpreter: UInt32 = 3
        static let prefixByteCount = 4096
    }

    private var changesIdentity: Bool {
        guard let status = Self.status(of: self.path) else { return false }
        let setsUser = status.st_mode & S_ISUID != 0 && status.st_uid != getuid()
        let setsGroup = status.st_mode & S_ISGID != 0 && status.st_gid != getgid()
        return setsUser || setsGroup
    }

    /// Whether the file is a 64-bit ELF image that names no interpreter. A script is none: its interpreter loads.
    private var isStaticImage: Bool {
        let bytes = (try? TextFile.bytes(of: self.path, byteCountMax: Image.prefixByteCount)) ?? []
        guard bytes.count >= Image.headerByteCount, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2]) else {
            return false
        }
        func number(at offset: Int, byteCount: Int) -> Int {
            bytes[offset..<offset + byteCount].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        let start = number(at: Image.programHeaderOffset, byteCount: 4)
        let stride = number(at: Image.programHeaderByteCount, byteCount: 2)
        for index in 0..<number(at: Image.programHeaderCount, byteCount: 2) {
            let offset = start + index * stride
            // What lies behind the prefix is not judged.
            guard offset + 4 <= bytes.count else { return false }
            if number(at: offset, byteCount: 4) == Int(Image.interpreter) { return false }
        }
        return true
    }
}
