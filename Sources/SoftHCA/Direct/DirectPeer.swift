internal import HostRegistry
internal import Segment
internal import SystemIO

/// A process of this host, this one included, on whose segment and memory the engine works.
@safe
internal final class DirectPeer {
    let block: UInt32
    let incarnation: UInt64
    let view: SegmentView
    /// `nil` for this process, whose memory needs no system call.
    private let segment: PeerSegment?
    private let process: ForeignProcess?
    /// Readable once the process has ended; `nil` for this process.
    let processDescriptor: CInt?
    private let memory: CrossMemory?
    /// Wakes the peer's engine.
    private let wake: OwnedDescriptor?
    /// Where this process says in the peer's segment, and in its own, that it is at work there.
    private let line: InitiatorLine
    private let ownLine: InitiatorLine
    /// The peer has ended. Guarded by the engine's lock, like the channels.
    var hasEnded = false
    private var channels = ChannelCache()

    /// This process.
    init(_ engine: Engine) {
        self.block = engine.membership.block.rawValue
        self.incarnation = engine.membership.incarnation
        self.view = engine.segment.view
        self.segment = nil
        self.process = nil
        self.processDescriptor = nil
        self.memory = nil
        self.wake = nil
        self.view.attach(self.block, incarnation: self.incarnation)
        self.line = self.view.initiator(self.block)
        self.ownLine = self.line
    }

    /// Another process.
    ///
    /// - Throws: `PathRefusal`.
    init(_ member: Membership.Member, of engine: Engine) throws(PathRefusal) {
        self.block = member.block.rawValue
        self.incarnation = member.incarnation
        guard let rawDescriptor = member.segmentDescriptor else { throw PathRefusal(.absent) }
        let segment: PeerSegment
        do throws(Errno) {
            let process = try ForeignProcess(pid: member.pid)
            self.processDescriptor = process.rawDescriptor
            self.process = consume process
            guard let startTime = ProcessIdentity.startTime(of: member.pid) else { throw .permissionDenied }
            // The number may have changed hands, or mean somebody else in this PID namespace.
            guard startTime == member.startTime else { throw .noSuchProcess }
            let descriptor = try OwnedDescriptor(pid: member.pid, rawDescriptor: rawDescriptor)
            segment = try PeerSegment(
                takingOver: descriptor,
                processID: member.pid,
                liveness: engine.segment.liveness
            )
        } catch {
            let isHidden = error == .noSuchProcess && engine.membership.isAlive(member)
            throw isHidden ? PathRefusal(.otherNamespace) : PathRefusal(error)
        }
        self.segment = segment
        let header = segment.view.header
        guard header.admitsPeers.acquired == 1 else { throw PathRefusal(.wireByPolicy) }
        guard header.isOwnerAlive else { throw PathRefusal(.absent) }
        do throws(Errno) {
            let memory = try CrossMemory(pid: member.pid)
            try memory.probe(header.ownerAddress.relaxed)
            self.memory = consume memory
            self.wake = try self.process?.duplicate(CInt(bitPattern: header.wakeDescriptor.acquired) - 1)
        } catch {
            throw PathRefusal(error)
        }
        let own = engine.membership
        self.view = segment.view.attach(own.block.rawValue, incarnation: own.incarnation)
        self.line = self.view.initiator(own.block.rawValue)
        self.ownLine = engine.segment.view.initiator(own.block.rawValue)
    }

    var isSelf: Bool { self.segment == nil }

    /// Whether the process runs, and is the program that it was.
    @inline(always)
    var isAlive: Bool { self.view.header.isOwnerAlive }

    /// In a forked child, which must not keep what leads to other processes.
    func abandonInForkedChild() {
        self.process?.close()
        self.memory?.close()
        self.wake?.close()
        self.channels.closeAll()
    }
}

// SAFETY: what changes is guarded by the engine's lock.
extension DirectPeer: @unchecked Sendable {}

// MARK: - At work

extension DirectPeer {
    /// Begins to work on the peer's segment and memory, and on registered memory of this process: until `leave`, nothing
    /// that is found there goes away. Short, and never with a wait for a thread of the peer inside.
    @inline(always)
    func enter() {
        self.line.enter()
        self.ownLine.enter()
        fullFence()
    }

    @inline(always)
    func leave() {
        self.line.leave()
        self.ownLine.leave()
    }

    /// Where memory of the peer is mapped here: all of this process's own, and what lies in the peer's segment.
    @inline(always)
    func mapped(_ location: MemoryLocation, byteCount: Int) -> UnsafeMutableRawPointer? {
        switch location.place {
        case .process:
            if self.isSelf { return unsafe UnsafeMutableRawPointer(bitPattern: UInt(location.position)) }
            return unsafe self.view.local(location.position, byteCount: UInt64(byteCount))
        case .segment: return unsafe self.view.extent(at: location.position, byteCount: UInt64(byteCount))
        case .nowhere: return nil
        }
    }

    /// Copies ranges of this process to one range of the peer.
    @unsafe
    @inline(always)
    func write(_ local: UnsafeBufferPointer<MemoryRange>, to location: MemoryLocation, byteCount: Int) -> Errno? {
        guard byteCount > 0, !location.place.isNowhere else { return nil }
        if let target = unsafe self.mapped(location, byteCount: byteCount) {
            var done = 0
            for index in 0..<local.count {
                let range = unsafe local[index]
                // SAFETY: both sides are registered, and stay so until `leave`.
                if let source = unsafe UnsafeRawPointer(bitPattern: range.address),
                    unsafe !FaultGuard.copy(range.byteCount, from: source, to: target + done)
                {
                    return .badAddress
                }
                done += range.byteCount
            }
            return nil
        }
        guard location.place.isProcess else { return .badAddress }
        if local.count == 1, let source = unsafe UnsafeRawPointer(bitPattern: local[0].address) {
            return unsafe self.memory?.write(source, to: location.position, byteCount: byteCount)
        }
        var remote = MemoryRange(address: UInt(location.position), byteCount: byteCount)
        return unsafe withUnsafePointer(to: &remote) {
            unsafe self.memory?.write(local, to: UnsafeBufferPointer(start: $0, count: 1), byteCount: byteCount)
        }
    }

    /// Copies one range of the peer to ranges of this process.
    @unsafe
    @inline(always)
    func read(_ local: UnsafeBufferPointer<MemoryRange>, from location: MemoryLocation, byteCount: Int) -> Errno? {
        guard byteCount > 0 else { return nil }
        if let source = unsafe self.mapped(location, byteCount: byteCount) {
            var done = 0
            for index in 0..<local.count {
                let range = unsafe local[index]
                // SAFETY: as in `write`.
                if let target = unsafe UnsafeMutableRawPointer(bitPattern: range.address),
                    unsafe !FaultGuard.copy(range.byteCount, from: source + done, to: target)
                {
                    return .badAddress
                }
                done += range.byteCount
            }
            return nil
        }
        guard location.place.isProcess else { return .badAddress }
        if local.count == 1, let target = unsafe UnsafeMutableRawPointer(bitPattern: local[0].address) {
            return unsafe self.memory?.read(target, from: location.position, byteCount: byteCount)
        }
        var remote = MemoryRange(address: UInt(location.position), byteCount: byteCount)
        return unsafe withUnsafePointer(to: &remote) {
            unsafe self.memory?.read(local, from: UnsafeBufferPointer(start: $0, count: 1), byteCount: byteCount)
        }
    }

    /// Copies ranges of this process to ranges of the peer's address space, of the same total length.
    @unsafe
    func write(
        _ local: UnsafeBufferPointer<MemoryRange>,
        to remote: UnsafeBufferPointer<MemoryRange>,
        byteCount: Int
    ) -> Errno? {
        unsafe self.memory?.write(local, to: remote, byteCount: byteCount)
    }

    /// Copies between ranges of this process and ranges of the peer's address space, from the first on, as far as it goes.
    ///
    /// - Returns: How many bytes.
    @unsafe
    func copySome(
        _ local: UnsafeBufferPointer<MemoryRange>,
        _ remote: UnsafeBufferPointer<MemoryRange>,
        isRead: Bool
    ) -> Int {
        let count =
            unsafe isRead ? self.memory?.readSome(local, from: remote) : self.memory?.writeSome(local, to: remote)
        return max(count ?? 0, 0)
    }

    /// Reads, computes and writes eight aligned bytes under the lock that every atomic operation on the peer's memory takes.
    ///
    /// - Returns: What stood there before; `EBUSY` when the lock was not free soon.
    func exchange(
        isSwap: Bool,
        compareOrAdd: UInt64,
        swap: UInt64,
        at location: MemoryLocation
    ) -> Result<UInt64, Errno> {
        let lock = self.view.header.atomicsLock
        guard lock.lockSoon() else { return .failure(.resourceBusy) }
        defer { lock.unlock() }
        if let target = unsafe self.mapped(location, byteCount: 8) {
            // SAFETY: eight aligned bytes, registered until `leave`.
            let word = unsafe AtomicWord.apply(to: target, isSwap: isSwap, compareOrAdd: compareOrAdd, swap: swap)
            return word.map { .success($0) } ?? .failure(.badAddress)
        }
        guard location.place.isProcess else { return .failure(.badAddress) }
        var original: UInt64 = 0
        if let error = self.loadWord(location.position, into: &original) { return .failure(error) }
        let isChanged = !isSwap || original == compareOrAdd
        let next = isSwap ? swap : original &+ compareOrAdd
        if isChanged, let error = self.storeWord(next, at: location.position) { return .failure(error) }
        return .success(original)
    }

    /// Reads or writes one word in the peer's address space.
    func loadWord(_ address: UInt64, into word: inout UInt64) -> Errno? {
        unsafe withUnsafeMutablePointer(to: &word) { unsafe self.memory?.read($0, from: address, byteCount: 8) }
    }

    func storeWord(_ word: UInt64, at address: UInt64) -> Errno? {
        var word = word
        return unsafe withUnsafePointer(to: &word) { unsafe self.memory?.write($0, to: address, byteCount: 8) }
    }
}

// MARK: - Signals

extension DirectPeer {
    /// Makes the peer's engine look at one of its queue pairs, whatever its thread is doing.
    func requestAttention(queuePair number: UInt32) {
        self.view.requestAttention(queuePair: number)
        // This process looks before it gives the engine's lock back.
        self.wake?.signalEvent()
    }

    /// A completion was appended for which the owner of the ring had asked to be woken.
    ///
    /// - Parameter number: A queue pair that reports there.
    func signalChannel(of ring: CompletionRing, queuePair number: UInt32) {
        _ = self.view.header.armedCount.subtract(1)
        let descriptor = CInt(bitPattern: ring.channelDescriptor.acquired) - 1
        guard descriptor >= 0 else { return }
        guard !self.isSelf else {
            EventDescriptor.signal(rawDescriptor: descriptor)
            return
        }
        if let duplicate = self.channel(ring.channelNumber.relaxed, rawDescriptor: descriptor) {
            EventDescriptor.signal(rawDescriptor: duplicate)
        } else {
            // No descriptor is left here: the owner does it.
            ring.unsignaledEvents.add(1)
            self.requestAttention(queuePair: number)
        }
    }

    private func channel(_ number: UInt32, rawDescriptor: CInt) -> CInt? {
        if let found = self.channels.find(number) { return found }
        let duplicate: OwnedDescriptor?
        do throws(Errno) {
            duplicate = try self.process?.duplicate(rawDescriptor)
        } catch {
            return nil
        }
        guard let duplicate else { return nil }
        return self.channels.insert(number, duplicate)
    }
}
