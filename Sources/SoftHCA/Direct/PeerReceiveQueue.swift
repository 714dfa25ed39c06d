internal import Segment
internal import SystemIO
internal import Transport
internal import Wire

/// A shared receive queue of another process of this host, which has the domain of an extended connection open as this one
/// has: what a target of this process receives for it goes into that process's memory, and is reported there.
///
/// What the responder wants of it is done as by `DirectConnection`: between `enter` and `leave`, after a look whether the queue is
/// still there. Guarded by the engine's lock.
@safe
internal final class PeerReceiveQueue {
    let number: UInt32
    private let peer: DirectPeer
    private let entry: QueuePairEntry
    private let version: UInt64
    /// The protection domain of the queue, which says what a request may touch.
    private let domain: UInt32
    private let receives: ReceiveRing
    private let completions: CompletionRing

    /// - Returns: `nil` when the process has no such queue, or its domain is another.
    init?(_ number: UInt32, at peer: DirectPeer, in identity: XRCDomain.Identity) {
        peer.enter()
        defer { peer.leave() }
        let view = peer.view
        guard peer.isAlive, let entry = view.queuePairs.find(number: number) else { return nil }
        let version = entry.version.acquired
        guard version & 1 == 0, entry.type.relaxed == QueuePairEntry.sharedReceiveQueueType,
            entry.peerGIDPrefix.relaxed == identity.fileSystem, entry.peerGIDInterfaceID.relaxed == identity.inode,
            entry.destQP.relaxed == identity.interfaceIndex,
            let receives = view.receiveRing(at: entry.receives.relaxed),
            let completions = view.completionRing(at: entry.receiveCompletions.relaxed)
        else { return nil }
        self.domain = entry.receiveDomain.relaxed
        acquireOrder()
        guard entry.version.acquired == version else { return nil }
        self.number = number
        self.peer = peer
        self.entry = entry
        self.version = version
        self.receives = receives
        self.completions = completions
    }

    /// Whether it is still there.
    var isThere: Bool {
        self.peer.isAlive && self.entry.number.acquired == self.number && self.entry.version.acquired == self.version
    }

    /// Works on the peer's segment and memory, if the queue is still there.
    @inline(always)
    private func atWork<Result>(else absent: Result, _ body: () -> Result) -> Result {
        self.peer.enter()
        defer { self.peer.leave() }
        return self.isThere ? body() : absent
    }

    private func locate(
        _ key: UInt32,
        _ address: UInt64,
        _ byteCount: Int,
        _ access: AccessFlags,
        by accessor: MemoryAccessor
    ) -> MemoryLocation? {
        self.peer.view.memory.resolve(
            key: key,
            address: address,
            byteCount: UInt64(byteCount),
            access: access,
            by: accessor
        )
    }

    private func copy(_ payload: RawSpan, from offset: Int, byteCount: Int, to location: MemoryLocation) -> Bool {
        guard byteCount > 0 else { return true }
        return unsafe payload.withUnsafeBytes { bytes in
            // SAFETY: the payload has these bytes.
            let start = UInt(bitPattern: bytes.baseAddress) + UInt(offset)
            var range = MemoryRange(address: start, byteCount: byteCount)
            return unsafe withUnsafePointer(to: &range) { pointer in
                let local = unsafe UnsafeBufferPointer(start: pointer, count: 1)
                return unsafe self.peer.write(local, to: location, byteCount: byteCount) == nil
            }
        }
    }
}

// MARK: - One-sided operations

extension PeerReceiveQueue {
    /// Whether a target may use memory so.
    func check(_ rKey: UInt32, _ address: UInt64, _ byteCount: UInt64, _ access: AccessFlags, target: UInt32) -> Bool {
        self.atWork(else: false) {
            self.peer.view.memory.resolve(
                key: rKey,
                address: address,
                byteCount: byteCount,
                access: access,
                by: .remote(domain: self.domain, queuePair: target)
            ) != nil
        }
    }

    func write(_ payload: RawSpan, rKey: UInt32, address: UInt64, target: UInt32) -> Bool {
        self.peer.enter()
        defer { self.peer.leave() }
        let accessor = MemoryAccessor.remote(domain: self.domain, queuePair: target)
        guard self.isThere, let location = self.locate(rKey, address, payload.byteCount, .remoteWrite, by: accessor)
        else { return false }
        return self.copy(payload, from: 0, byteCount: payload.byteCount, to: location)
    }

    @unsafe
    func read(
        rKey: UInt32,
        address: UInt64,
        byteCount: Int,
        into buffer: UnsafeMutableRawPointer,
        target: UInt32
    ) -> Bool {
        self.atWork(else: false) {
            let accessor = MemoryAccessor.remote(domain: self.domain, queuePair: target)
            guard let location = self.locate(rKey, address, byteCount, .remoteRead, by: accessor) else { return false }
            var range = MemoryRange(address: UInt(bitPattern: buffer), byteCount: byteCount)
            return unsafe withUnsafePointer(to: &range) { pointer in
                let local = unsafe UnsafeBufferPointer(start: pointer, count: 1)
                return unsafe self.peer.read(local, from: location, byteCount: byteCount) == nil
            }
        }
    }

    func atomic(
        _ operation: AtomicOperation,
        rKey: UInt32,
        address: UInt64,
        compareOrAdd: UInt64,
        swap: UInt64,
        target: UInt32
    ) -> AtomicResult {
        self.atWork(else: .refused) {
            let accessor = MemoryAccessor.remote(domain: self.domain, queuePair: target)
            guard let location = self.locate(rKey, address, 8, .remoteAtomic, by: accessor), location.position & 7 == 0,
                !location.place.isNowhere
            else { return .refused }
            let isSwap = operation == .compareAndSwap
            return switch self.peer.exchange(isSwap: isSwap, compareOrAdd: compareOrAdd, swap: swap, at: location) {
            case .success(let original): .executed(original)
            case .failure(.resourceBusy): .busy
            case .failure: .refused
            }
        }
    }

    func invalidate(_ rKey: UInt32, target: UInt32) -> Bool {
        self.atWork(else: false) {
            self.peer.view.memory.invalidateWindowAsInitiator(
                key: rKey,
                by: .remote(domain: self.domain, queuePair: target)
            )
        }
    }
}

// MARK: - Receive requests

extension PeerReceiveQueue {
    func take(into descriptor: inout ReceiveDescriptor) -> Bool {
        self.peer.enter()
        defer { self.peer.leave() }
        guard self.isThere, self.receives.take(into: &descriptor) else { return false }
        if self.receives.noteLimitEvent() { self.peer.requestAttention(queuePair: self.number) }
        return true
    }

    /// Puts a part of a message into a receive request.
    func place(
        _ payload: RawSpan,
        into elements: UnsafeBufferPointer<ScatterElement>,
        offset: UInt64
    ) -> CompletionStatus {
        self.peer.enter()
        defer { self.peer.leave() }
        guard self.isThere else { return .localProtectionError }
        var walk = unsafe ElementWalk(elements, offset: offset, byteCount: payload.byteCount)
        var done = 0
        while let piece = walk.next() {
            let byteCount = Int(piece.byteCount)
            let accessor = MemoryAccessor.local(domain: self.domain)
            guard let location = self.locate(piece.lKey, piece.address, byteCount, .localWrite, by: accessor),
                self.copy(payload, from: done, byteCount: byteCount, to: location)
            else { return .localProtectionError }
            done += byteCount
        }
        return done == payload.byteCount ? .success : .localLengthError
    }

    /// Reports the end of a receive request to the queue's owner.
    ///
    /// - Returns: `false` when its completion queue was full.
    func report(_ completion: WorkCompletion, isSolicited: Bool) -> Bool {
        var completion = completion
        return self.atWork(else: true) {
            if self.completions.recordsTimes.relaxed != 0 { completion.timestampNanoseconds = MonotonicClock.now }
            switch self.completions.push(completion, isSolicited: isSolicited || completion.status != 0) {
            case .stored: return true
            case .storedAndWaiting:
                self.peer.requestAttention(queuePair: self.number)
                return true
            case .storedAndDue:
                self.peer.signalChannel(of: self.completions, queuePair: self.number)
                return true
            case .overrun:
                self.completions.unreportedOverrun.storeRelaxed(1)
                self.peer.requestAttention(queuePair: self.number)
                return false
            case .overrunAgain, .refused, .busy:
                return false
            }
        }
    }
}
