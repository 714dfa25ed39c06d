import CShims
import Glibc

/// The few things that are done with files by name. Names are never followed through a symbolic link at their end.
package enum FileSystem {
    private static let pathByteCountMax = 4096

    /// What is known of a file without opening it.
    package struct Information: Hashable, Sendable {
        package var kind: Kind
        package var ownerID: UInt32
        /// The nine permission bits.
        package var permissions: UInt32
        package var inode: UInt64
        package var device: UInt64
        package var byteCount: Int
    }

    package enum Kind: Hashable, Sendable {
        case directory
        case regular
        case socket
        case symbolicLink
        case other
    }

    /// Looks at the file at `path`. See lstat(2).
    package static func information(at path: String) throws(Errno) -> Information {
        var status = stat()
        // SAFETY: the kernel writes the local variable.
        try checkingErrno { unsafe lstat(path, &status) }
        return Information(status)
    }

    /// Looks at an open file. See fstat(2).
    package static func information(of rawDescriptor: CInt) throws(Errno) -> Information {
        var status = stat()
        // SAFETY: the kernel writes the local variable.
        try checkingErrno { unsafe fstat(rawDescriptor, &status) }
        return Information(status)
    }

    /// What a symbolic link says. See readlink(2).
    package static func linkTarget(_ path: String) throws(Errno) -> String {
        var buffer = [CChar](repeating: 0, count: self.pathByteCountMax)
        // SAFETY: the buffer holds as many bytes as the call is told.
        let byteCount = try checkingErrno { unsafe readlink(path, &buffer, buffer.count) }
        return String(decoding: buffer.prefix(byteCount).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Makes a directory that only its owner may enter.
    ///
    /// - Throws: `EEXIST`, `EACCES`, `ENOENT`, `ENOSPC`, `EROFS`.
    package static func makePrivateDirectory(at path: String) throws(Errno) {
        try checkingErrno { unsafe mkdir(path, 0o700) }
    }

    /// Opens a file for reading and writing, and makes it, for its owner alone, if it does not exist.
    ///
    /// - Throws: `ELOOP` when the name is a symbolic link; `EACCES`; `ENOENT` when the directory is gone; `EMFILE`.
    package static func openPrivateFile(at path: String) throws(Errno) -> OwnedDescriptor {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        return OwnedDescriptor(takingOver: try checkingErrno { unsafe cshims_open(path, flags, 0o600) })
    }

    /// Opens a file that exists for reading and writing.
    package static func openFile(at path: String) throws(Errno) -> OwnedDescriptor {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW
        return OwnedDescriptor(takingOver: try checkingErrno { unsafe cshims_open(path, flags, 0) })
    }

    /// Makes a file at least so long, and the memory or disk behind it sure, so that touching it cannot fault.
    ///
    /// - Throws: `ENOSPC`, `EFBIG`.
    package static func reserve(_ rawDescriptor: CInt, byteCount: Int) throws(Errno) {
        let result = posix_fallocate(rawDescriptor, 0, byteCount)
        guard result == 0 else { throw Errno(rawValue: result) }
    }

    /// Removes a file that is no directory.
    package static func remove(_ path: String) throws(Errno) {
        try checkingErrno { unsafe unlink(path) }
    }

    /// Removes an empty directory.
    package static func removeDirectory(_ path: String) throws(Errno) {
        try checkingErrno { unsafe rmdir(path) }
    }

    /// The names in a directory, but `.` and `..`, in no order.
    package static func names(in path: String) throws(Errno) -> [String] {
        guard let directory = unsafe opendir(path) else { throw .last }
        defer { _ = unsafe closedir(directory) }
        var names: [String] = []
        // SAFETY: the entry is valid until the next call, and its name ends with a zero.
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

extension FileSystem.Information {
    fileprivate init(_ status: stat) {
        let kinds: [UInt32: FileSystem.Kind] = [
            S_IFDIR: .directory, S_IFREG: .regular, S_IFSOCK: .socket, S_IFLNK: .symbolicLink,
        ]
        self.kind = kinds[status.st_mode & S_IFMT] ?? .other
        self.ownerID = status.st_uid
        self.permissions = status.st_mode & 0o777
        self.inode = UInt64(status.st_ino)
        self.device = UInt64(status.st_dev)
        self.byteCount = status.st_size
    }
}
