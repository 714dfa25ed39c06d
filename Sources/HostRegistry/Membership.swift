import Synchronization
package import SystemIO
package import Wire

/// A process's part in the registry: its socket, and its block of queue pair numbers.
///
/// Any thread may call it. In a forked child everything fails, and nothing there has an effect on the parent.
@safe
package final class Membership {
    package let directory: RegistryDirectory
    package let port: UInt16
    /// The upper bits of all queue pair numbers of this process.
    package let block: QPNBlock
    /// The socket on which datagrams for this process arrive.
    package let socket: UDPSocket
    internal let forwardSocket: LocalDatagramSocket
    internal let file: RegistryFile

    /// Guards `pool`, `repair`, and the file's guard against the other threads of this process.
    internal let lock = Lock()
    private var pool: QPNPool
    internal var repair = RepairState()
    /// Whether `refreshIfNeeded` has something to do, at once or in a while.
    internal let needsRefresh = Atomic<Bool>(false)
    internal let phase = Atomic<Int>(Phase.present)

    internal enum Phase {
        static var present: Int { 0 }
        static var left: Int { 1 }
        /// A forked child, which only has a copy.
        static var abandoned: Int { 2 }
    }

    package let statistics = RegistryStatistics()

    internal init(
        directory: RegistryDirectory,
        port: UInt16,
        block: QPNBlock,
        file: consuming RegistryFile,
        socket: consuming UDPSocket,
        forwardSocket: consuming LocalDatagramSocket
    ) {
        self.directory = directory
        self.port = port
        self.block = block
        self.file = file
        self.socket = socket
        self.forwardSocket = forwardSocket
        self.pool = QPNPool(block: block)
    }

    deinit {
        self.leave()
    }
}

// SAFETY: what changes is atomic, or guarded by the lock.
extension Membership: @unchecked Sendable {}

// MARK: - Queue pair numbers

extension Membership {
    /// Whether queue pair `qpn`, if it exists, belongs to this process.
    @inline(always)
    package func owns(_ qpn: QPN) -> Bool {
        qpn.rawValue >> UInt32(QPNBlock.numberBitCount) == self.block.rawValue
    }

    /// Takes a number that no other queue pair of the host has; it cannot be foreseen.
    ///
    /// - Throws: `ENOMEM` when all numbers of the process are in use; `ENODEV` after leaving, and in a forked child.
    package func allocateQPN() throws(Errno) -> QPN {
        guard self.isPresent else { throw .noSuchDevice }
        let qpn = self.lock.withLock {
            var generator = SystemRandomNumberGenerator()
            return self.pool.allocate(using: &generator)
        }
        guard let qpn else { throw .noMemory }
        return qpn
    }

    /// Gives a number back, whose queue pair is gone. It is not handed out again soon.
    package func releaseQPN(_ qpn: QPN) {
        guard self.isPresent else { return }
        self.lock.withLock { self.pool.release(qpn) }
    }

    /// How many queue pair numbers a process can have at a time.
    package static var qpnCountMax: Int { QPNBlock.numberCount - 2 }

    internal var isPresent: Bool { self.phase.load(ordering: .acquiring) == Phase.present }
}

// MARK: - Leaving

extension Membership {
    /// Gives the block back and closes the sockets. Leaving twice does nothing.
    ///
    /// No other thread may be receiving any more.
    package func leave() {
        let (isFirst, _) = self.phase.compareExchange(
            expected: Phase.present,
            desired: Phase.left,
            ordering: .acquiringAndReleasing
        )
        guard isFirst else { return }
        LiveMemberships.shared.remove(self)
        self.lock.withLock {
            // Without the guard the others find out as if the process had been killed.
            let deadline = MonotonicClock.now + HostRegistry.patienceNanoseconds
            if self.file.lockGuard(deadlineNanoseconds: deadline) {
                self.strikeOff()
            } else {
                self.socket.descriptor.close()
            }
            self.forwardSocket.descriptor.close()
            // Frees the locks, the guard among them.
            self.file.abandon()
        }
    }

    /// Takes this process out of the registry. The caller holds the guard.
    private func strikeOff() {
        var census = Census(self.file, self.directory, own: self.block)
        census.remove(self.block)
        self.file[self.block] = RegistrySlot()
        census.writeIndices(self.file)
        // The program is set through a socket of the group, so shortly before it is right.
        if !census.members.isEmpty { try? self.attach(census) }
        self.socket.descriptor.close()
        try? FileSystem.remove(self.directory.socketPath(of: self.block))
        if census.members.isEmpty { self.directory.remove() }
    }

    /// Lets go of everything in a forked child, where no other thread is. The parent does not notice.
    internal func abandonInForkedChild() {
        self.phase.store(Phase.abandoned, ordering: .releasing)
        self.socket.descriptor.close()
        self.forwardSocket.descriptor.close()
        self.file.abandon()
    }
}
