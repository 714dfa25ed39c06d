import CShims
import Glibc

/// A view of the file system that this process and its children have for themselves: folders of the kernel's with more in
/// them than the kernel has put there.
///
/// The view is a mount namespace. Who may not make one makes a user namespace around it, in which he is who he was.
package enum MountView {
    /// A file to be added, by its path from the folder that is extended.
    package struct Addition {
        package enum Content {
            case text(String)
            /// The file that has this path, a device for example.
            case sameAs(String)
        }

        package var path: String
        package var content: Content

        package init(_ path: String, _ content: Content) {
            self.path = path
            self.content = content
        }
    }

    /// What could not be done, for a message: a step, and why the kernel refused it.
    package struct Failure: Error {
        package var step: String
        package var errno: Errno
    }
}

// MARK: - Entering

extension MountView {
    /// Gives this process a view of its own, which is as before. Only for a process with one thread.
    package static func enter() throws(Failure) {
        let userID = getuid()
        let groupID = getgid()
        if cshims_unshare(CInt(CSHIMS_NEW_MOUNT_NAMESPACE)) != 0 {
            let flags = CSHIMS_NEW_MOUNT_NAMESPACE | CSHIMS_NEW_USER_NAMESPACE
            try self.step("making a mount namespace") { cshims_unshare(CInt(flags)) }
            // The kernel wants the second before it believes the third.
            try self.write("\(userID) \(userID) 1", to: "/proc/self/uid_map")
            try self.write("deny", to: "/proc/self/setgroups")
            try self.write("\(groupID) \(groupID) 1", to: "/proc/self/gid_map")
        }
        // What is mounted here stays here; what others mount is still seen.
        try self.mount(from: "none", on: "/", flags: MS_REC | MS_SLAVE)
    }

    private static func write(_ text: String, to path: String) throws(Failure) {
        do { try TextFile.write(text, to: path) } catch { throw Failure(step: "writing \(path)", errno: error) }
    }
}

// MARK: - Extending

extension MountView {
    /// Puts a copy over a folder that shows what was there, but for what the additions replace, and the additions.
    package static func extend(_ folder: String, by additions: [Addition]) throws(Failure) {
        let staging = try self.temporaryFolder()
        try self.mount(from: "tmpfs", on: staging, type: "tmpfs", flags: MS_NOSUID | MS_NOEXEC, options: "mode=0755")
        let replaced = Set(additions.map { String($0.path.prefix { $0 != "/" }) })
        for name in try self.names(in: folder) where !replaced.contains(name) {
            try self.show("\(folder)/\(name)", as: "\(staging)/\(name)")
        }
        for addition in additions {
            try self.makeFolders(above: addition.path, in: staging)
            let path = "\(staging)/\(addition.path)"
            switch addition.content {
            case .text(let text): try self.write(text, to: path)
            case .sameAs(let original): try self.show(original, as: path)
            }
        }
        try self.mount(from: staging, on: folder, flags: MS_BIND | MS_REC)
        try self.step("unmounting \(staging)") { unsafe umount2(staging, CInt(MNT_DETACH)) }
        try? FileSystem.removeDirectory(staging)
    }

    private static func names(in folder: String) throws(Failure) -> [String] {
        do { return try FileSystem.names(in: folder) } catch { throw Failure(step: "listing \(folder)", errno: error) }
    }

    private static func temporaryFolder() throws(Failure) -> String {
        var template = Array("/tmp/verbena-XXXXXX".utf8CString)
        // SAFETY: the template ends with a zero, and the call changes its last letters.
        try self.step("making a folder in /tmp") { unsafe mkdtemp(&template) == nil ? -1 : 0 }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func makeFolders(above path: String, in folder: String) throws(Failure) {
        var current = folder
        for name in path.split(separator: "/").dropLast() {
            current += "/\(name)"
            let folder = current
            if unsafe mkdir(folder, 0o755) != 0, Errno.last != .fileExists {
                throw Failure(step: "making \(folder)", errno: .last)
            }
        }
    }

    /// Makes a file, folder or symbolic link at `path` that is the one at `original`.
    private static func show(_ original: String, as path: String) throws(Failure) {
        let kind: FileSystem.Kind
        do {
            kind = try FileSystem.information(at: original).kind
        } catch .noSuchFile {
            // It went meanwhile.
            return
        } catch {
            throw Failure(step: "looking at \(original)", errno: error)
        }
        switch kind {
        case .symbolicLink:
            guard let target = try? FileSystem.linkTarget(original) else { return }
            try self.step("making \(path)") { unsafe symlink(target, path) }
        case .directory:
            try self.step("making \(path)") { unsafe mkdir(path, 0o755) }
            try self.mount(from: original, on: path, flags: MS_BIND | MS_REC)
        case .regular, .socket, .other:
            try self.write("", to: path)
            try self.mount(from: original, on: path, flags: MS_BIND)
        }
    }
}

// MARK: - Calls

extension MountView {
    private static func mount(
        from source: String,
        on target: String,
        type: String? = nil,
        flags: Int,
        options: String? = nil
    ) throws(Failure) {
        try self.step("mounting \(source) on \(target)") {
            // SAFETY: the kernel copies the strings.
            unsafe Glibc.mount(source, target, type ?? "none", UInt(flags), options ?? "")
        }
    }

    private static func step(_ name: String, _ call: () -> CInt) throws(Failure) {
        do { try checkingErrno(call) } catch { throw Failure(step: name, errno: error) }
    }
}
