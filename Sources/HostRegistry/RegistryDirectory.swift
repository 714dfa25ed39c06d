import SystemIO

/// The directory by which the processes of one user, in one network namespace, find each other.
///
/// It lies in memory (`/dev/shm`), or in `/tmp` on a machine without that: it must not depend on the environment, for all
/// processes have to agree on it. Nobody but its owner may enter.
package struct RegistryDirectory: Hashable, Sendable {
    package let path: String

    package var registryPath: String { self.path + "/registry" }

    /// The socket on which the owner of a block takes datagrams that were handed on.
    package func socketPath(of block: QPNBlock) -> String { "\(self.path)/\(Self.socketPrefix)\(block.rawValue)" }

    private static var socketPrefix: String { "m" }
    private static var namespacePrefix: String { "net-" }

    /// Finds the directory for the namespace of the calling thread, or makes it.
    ///
    /// - Parameter root: Where to look instead of the usual places.
    package init(port: UInt16, root: String? = nil) throws(RegistryError) {
        let namespace: UInt64
        do throws(Errno) {
            namespace = try ProcessIdentity.networkNamespaceInode()
        } catch {
            throw .system(error)
        }
        let userPath = "\(root ?? Self.usualRoot)/verbena-\(ProcessIdentity.effectiveUserID)"
        try Self.prepare(userPath)
        self.path = "\(userPath)/\(Self.namespacePrefix)\(namespace)-\(port)"
        Self.sweep(userPath, except: self.path)
        try Self.prepare(self.path)
    }

    private init(path: String) {
        self.path = path
    }

    private static var usualRoot: String {
        let hasSharedMemory = (try? FileSystem.information(at: "/dev/shm"))?.kind == .directory
        return hasSharedMemory ? "/dev/shm" : "/tmp"
    }

    /// How often a directory may vanish between being made and being looked at, as the last member of another round removes
    /// it.
    private static var vanishingsMax: Int { 100 }

    /// Makes a directory if there is none, and checks that it is the user's alone.
    private static func prepare(_ path: String) throws(RegistryError) {
        for _ in 0..<self.vanishingsMax {
            do throws(Errno) {
                try FileSystem.makePrivateDirectory(at: path)
            } catch {
                guard error == .fileExists else { throw .directoryUnusable(path: path, error) }
            }
            let information: FileSystem.Information
            do throws(Errno) {
                information = try FileSystem.information(at: path)
            } catch {
                if error == .noSuchFile { continue }
                throw .directoryUnusable(path: path, error)
            }
            let isOwn = information.kind == .directory && information.ownerID == ProcessIdentity.effectiveUserID
            guard isOwn, information.permissions & 0o077 == 0 else { throw .directoryUnsafe(path: path) }
            return
        }
        throw .directoryUnusable(path: path, .noSuchFile)
    }
}

// MARK: - Removal

extension RegistryDirectory {
    /// Removes the directory and what is in it. Whoever calls it holds the registry's guard, and nobody else is alive.
    internal func remove() {
        for name in (try? FileSystem.names(in: self.path)) ?? [] {
            try? FileSystem.remove("\(self.path)/\(name)")
        }
        try? FileSystem.removeDirectory(self.path)
    }

    /// Removes what killed processes left in namespaces that may not exist any more.
    private static func sweep(_ userPath: String, except ownPath: String) {
        for name in (try? FileSystem.names(in: userPath)) ?? [] where name.hasPrefix(self.namespacePrefix) {
            let directory = RegistryDirectory(path: "\(userPath)/\(name)")
            // A registry that this process has open must not be opened again: closing it would free its locks.
            guard directory.path != ownPath, !LiveMemberships.shared.contains(directory) else { continue }
            RegistryFile.removeIfAbandoned(directory)
        }
    }
}
