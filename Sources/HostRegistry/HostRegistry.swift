package import SystemIO

/// Which Verbena processes of this user are alive in this network namespace, and which queue pair numbers each has.
///
/// There is no daemon: the processes share a file, and the locks that the kernel frees when a process ends, however it
/// ends, say who lives. Nothing of it takes privilege. Not responsible for queue pairs, nor for what datagrams hold.
package enum HostRegistry {
    /// The UDP port of RoCEv2.
    package static var rocePort: UInt16 { 4791 }

    /// How long joining waits for a process that holds the registry.
    internal static var patienceNanoseconds: UInt64 { 2_000_000_000 }
    /// How often joining starts anew because the directory was just being removed.
    private static var attemptCountMax: Int { 16 }

    /// Makes sure that a fork finds the registry at rest. `join` does so too; who holds a lock of its own around `join`
    /// and takes that lock in a fork handler calls this before it registers the handler, because the handlers that run
    /// before a fork run in the reverse order of their registration.
    package static func registerForkHandlers() throws(Errno) {
        try LiveMemberships.shared.registerForkHandlers()
    }

    /// Takes part: opens the socket of the RoCE port and gets a block of queue pair numbers.
    ///
    /// A process may take part once for each port and network namespace.
    ///
    /// - Parameter root: A directory to use instead of `/dev/shm`, for tests.
    package static func join(port: UInt16 = Self.rocePort, root: String? = nil) throws(RegistryError) -> Membership {
        try LiveMemberships.shared.whileJoining { () throws(RegistryError) in
            for _ in 0..<self.attemptCountMax {
                let directory = try RegistryDirectory(port: port, root: root)
                guard !LiveMemberships.shared.contains(directory) else { throw .alreadyJoined }
                if let membership = try self.join(directory, port: port) { return membership }
            }
            throw .system(.noSuchFile)
        }
    }

    /// - Returns: `nil` when the directory was removed meanwhile.
    private static func join(_ directory: RegistryDirectory, port: UInt16) throws(RegistryError) -> Membership? {
        // Whatever fails from here on, closing the file frees the guard and the lock of the block.
        guard let file = try RegistryFile.open(directory) else { return nil }
        guard file.lockGuard(deadlineNanoseconds: MonotonicClock.now + self.patienceNanoseconds) else {
            throw .busy(path: directory.registryPath)
        }
        guard file.isLinked(directory) else { return nil }
        try file.validate(directory)
        let census = Census(file, directory, own: nil)
        guard let block = census.claimFreeBlock(file) else { throw .tooManyProcesses }

        let forwardSocket = try self.bindForwardSocket(directory, block)
        let socket = try self.bindSocket(port, undo: directory.socketPath(of: block))
        let membership = Membership(
            directory: directory,
            port: port,
            block: block,
            file: file,
            socket: socket,
            forwardSocket: forwardSocket
        )
        try membership.enter(census)
        return membership
    }

    private static func bindForwardSocket(
        _ directory: RegistryDirectory,
        _ block: QPNBlock
    ) throws(RegistryError) -> LocalDatagramSocket {
        let path = directory.socketPath(of: block)
        try? FileSystem.remove(path)
        do throws(Errno) {
            return try LocalDatagramSocket(path: path)
        } catch {
            throw .directoryUnusable(path: path, error)
        }
    }

    private static func bindSocket(_ port: UInt16, undo path: String) throws(RegistryError) -> UDPSocket {
        do throws(Errno) {
            return try UDPSocket(port: port)
        } catch {
            try? FileSystem.remove(path)
            throw error == .addressInUse ? .portTaken(port) : .socketFailed(error)
        }
    }
}
