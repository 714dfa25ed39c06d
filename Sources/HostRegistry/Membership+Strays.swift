import Synchronization
package import SystemIO
package import Wire

// MARK: - Datagrams for others

extension Membership {
    /// What became of a datagram that is not for this process.
    package enum StrayOutcome: Hashable, Sendable {
        /// Its owner has it now.
        case handedOn
        /// No process has the queue pair number, or this one has it and no such queue pair.
        case unknown
        /// Its owner is dead or does not keep up.
        case lost
    }

    /// The descriptor on which `receiveForwarded` has something to take.
    package var forwardDescriptor: CInt { self.forwardSocket.rawDescriptor }

    /// Hands a datagram, or a train of them, on to the process that owns its destination, and sees to it that the next
    /// one goes there by itself. Never give it one that came through `receiveForwarded`.
    ///
    /// The owner's queue holds some ten of them (`net.unix.max_dgram_qlen`): hand on a train whole where all of it is for
    /// one queue pair.
    ///
    /// - Parameters:
    ///   - datagram: RoCEv2 packets for one queue pair, the first from its BTH on.
    ///   - metadata: What the socket told of them, or of the longer train that they were cut from.
    @unsafe
    package func handleStray(_ datagram: UnsafeRawBufferPointer, _ metadata: ReceivedDatagram) -> StrayOutcome {
        // SAFETY: the caller's bytes live until this returns.
        guard self.isPresent, let header = try? BTH(parsing: unsafe RawSpan(_unsafeBytes: datagram)) else {
            return .unknown
        }
        guard let owner = self.owner(of: header.destQP), owner != self.block else {
            self.statistics.unknown.countUp()
            return .unknown
        }
        let isHandedOn = unsafe self.handOn(datagram, metadata, to: owner)
        self.requestRepair()
        return isHandedOn ? .handedOn : .lost
    }

    /// The block whose process has `qpn`, if the registry has one; it may be dead.
    private func owner(of qpn: QPN) -> QPNBlock? {
        guard let block = QPNBlock(containing: qpn) else { return QPNBlock(self.file.serviceOwner) }
        return self.file[block].isInUse != 0 ? block : nil
    }

    @unsafe
    private func handOn(_ datagram: UnsafeRawBufferPointer, _ metadata: ReceivedDatagram, to owner: QPNBlock) -> Bool {
        let header = ForwardedHeader(metadata, byteCount: datagram.count)
        let path = self.directory.socketPath(of: owner)
        do throws(Errno) {
            // SAFETY: the header is a local variable, and the caller's bytes live until this returns.
            try unsafe withUnsafeBytes(of: header) { bytes throws(Errno) in
                try unsafe self.forwardSocket.send(bytes, datagram, to: path)
            }
            self.statistics.handedOn.countUp()
            return true
        } catch {
            self.statistics.lost.countUp()
            return false
        }
    }

    /// Takes the next datagram that another process handed on.
    ///
    /// If it is not for a queue pair of this process, drop it.
    ///
    /// - Returns: What its first receiver's socket told of it, or `nil` when nothing waits.
    @unsafe
    package func receiveForwarded(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> ReceivedDatagram? {
        guard self.isPresent else { throw .noSuchDevice }
        return try unsafe withUnsafeTemporaryAllocation(byteCount: ForwardedHeader.byteCount, alignment: 8) {
            headerBytes throws(Errno) in
            // SAFETY: the header is read only after so many bytes were written.
            while let byteCount = try unsafe self.forwardSocket.receive(headerBytes, buffer) {
                guard byteCount >= ForwardedHeader.byteCount else { continue }
                let header = unsafe headerBytes.loadUnaligned(as: ForwardedHeader.self)
                if let datagram = header.datagram(byteCount: byteCount - ForwardedHeader.byteCount) { return datagram }
            }
            return nil
        }
    }
}

// MARK: - Other members

extension Membership {
    /// Another process of the registry.
    package struct Member: Hashable, Sendable {
        package var block: QPNBlock
        package var pid: Int32
        /// When it started, in clock ticks; with `pid` it names one process for good.
        package var startTime: UInt64
        /// The number that the descriptor of its segment has in that process, or `nil`.
        package var segmentDescriptor: Int32?

        /// `pid` and `startTime` in one number, which no other process of the host has or will have.
        package var incarnation: UInt64 { RegistrySlot.incarnation(pid: self.pid, startTime: self.startTime) }
    }

    /// The incarnation of this process.
    package var incarnation: UInt64 {
        let slot = self.file[self.block]
        return RegistrySlot.incarnation(pid: slot.pid, startTime: slot.startTime)
    }

    /// Whether the process that has, or had, a block is alive.
    package func isAlive(block rawValue: UInt32, incarnation: UInt64) -> Bool {
        guard let block = QPNBlock(rawValue) else { return false }
        if block == self.block { return incarnation == self.incarnation }
        return self.member(block)?.incarnation == incarnation
    }

    /// Whether another process still lives, which its number alone does not tell in another PID namespace.
    package func isAlive(_ member: Member) -> Bool {
        self.isAlive(block: member.block.rawValue, incarnation: member.incarnation)
    }

    /// Whether this process gets what is addressed to queue pair 1.
    package var isServiceOwner: Bool { self.isPresent && self.file.serviceOwner == self.block.rawValue }

    /// The process that has `qpn`, if it lives. `nil` too for numbers of this process.
    package func member(owning qpn: QPN) -> Member? {
        guard self.isPresent, let block = self.owner(of: qpn), block != self.block else { return nil }
        return self.member(block)
    }

    /// All other processes that live.
    package var otherMembers: [Member] {
        guard self.isPresent else { return [] }
        return QPNBlock.all.compactMap { $0 == self.block ? nil : self.member($0) }
    }

    private func member(_ block: QPNBlock) -> Member? {
        let slot = self.file[block]
        guard slot.isInUse != 0, self.file.isAlive(block) else { return nil }
        return Member(
            block: block,
            pid: slot.pid,
            startTime: slot.startTime,
            segmentDescriptor: slot.segmentDescriptor >= 0 ? slot.segmentDescriptor : nil
        )
    }

    /// Tells the others the number of the descriptor by which they can reach the segment of this process.
    ///
    /// - Throws: `EBUSY` when another process holds the registry and does not go on; `ENODEV` after leaving.
    package func publishSegment(rawDescriptor: CInt) throws(Errno) {
        guard self.isPresent else { throw .noSuchDevice }
        try self.lock.withLock { () throws(Errno) in
            let deadline = MonotonicClock.now + HostRegistry.patienceNanoseconds
            guard self.file.lockGuard(deadlineNanoseconds: deadline) else { throw .resourceBusy }
            var slot = self.file[self.block]
            slot.segmentDescriptor = rawDescriptor
            self.file[self.block] = slot
            self.file.unlockGuard()
        }
    }
}
