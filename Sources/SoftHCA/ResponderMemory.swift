internal import Segment
internal import SystemIO
internal import Transport

/// The memory and the receive queue of a queue pair, as the responder of `Transport` sees them.
///
/// Lives for the handling of one packet, under the engine's lock.
@safe
internal struct ResponderMemory: ResponderHost, ~Copyable {
    // SAFETY: the queue pair is in the engine's table while a packet of it is handled.
    private let unmanaged: Unmanaged<QueuePair>

    init(_ queuePair: QueuePair) {
        unsafe self.unmanaged = .passUnretained(queuePair)
    }

    @inline(always)
    private func withQueuePair<Result>(_ body: (QueuePair) -> Result) -> Result {
        unsafe self.unmanaged._withUnsafeGuaranteedRef(body)
    }

    // MARK: - One-sided operations

    mutating func checkRemote(rKey: UInt32, address: UInt64, byteCount: UInt64, access: RemoteAccess) -> RemoteCheck {
        self.withQueuePair { queuePair in
            let flags = AccessFlags(access)
            guard queuePair.attributes.access.contains(flags), !queuePair.lacksTarget else { return .invalidRequest }
            if let target = queuePair.peerTarget {
                let mayReach = target.check(rKey, address, byteCount, flags, target: queuePair.number)
                return mayReach ? .ok : .accessError
            }
            let location = queuePair.memory.resolve(
                key: rKey,
                address: address,
                byteCount: byteCount,
                access: flags,
                by: queuePair.peerAccessor
            )
            return location == nil ? .accessError : .ok
        }
    }

    mutating func placeWrite(rKey: UInt32, address: UInt64, payload: RawSpan) -> RemoteCheck {
        self.withQueuePair { queuePair in
            if let target = queuePair.peerTarget {
                let isWritten = target.write(payload, rKey: rKey, address: address, target: queuePair.number)
                return isWritten ? .ok : .accessError
            }
            let target = queuePair.memory.beginAccess(
                key: rKey,
                address: address,
                byteCount: UInt64(payload.byteCount),
                access: .remoteWrite,
                by: queuePair.peerAccessor
            )
            guard let target else { return .accessError }
            defer { queuePair.memory.endAccess(key: rKey) }
            let isWritten = queuePair.ownMemory.write(payload, from: 0, byteCount: payload.byteCount, to: target)
            return isWritten ? .ok : .accessError
        }
    }

    mutating func atomic(
        rKey: UInt32,
        address: UInt64,
        operation: AtomicOperation,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> AtomicResult {
        self.withQueuePair { queuePair in
            if let target = queuePair.peerTarget {
                return target.atomic(
                    operation,
                    rKey: rKey,
                    address: address,
                    compareOrAdd: compareOrAdd,
                    swap: swap,
                    target: queuePair.number
                )
            }
            let target = queuePair.memory.beginAccess(
                key: rKey,
                address: address,
                byteCount: 8,
                access: .remoteAtomic,
                by: queuePair.peerAccessor
            )
            guard let target else { return .refused }
            defer { queuePair.memory.endAccess(key: rKey) }
            // Peers of this host cannot use one instruction on memory of this process, so all take the lock.
            let lock = queuePair.engine.segment.header.atomicsLock
            guard lock.lockSoon() else { return .busy }
            defer { lock.unlock() }
            let original = queuePair.ownMemory.atomic(operation, compareOrAdd: compareOrAdd, swap: swap, at: target)
            return original.map { .executed($0) } ?? .refused
        }
    }

    /// Only windows of type 2 that are bound to this queue pair can be invalidated by its peer.
    mutating func invalidate(rKey: UInt32) -> Bool {
        self.withQueuePair { queuePair in
            queuePair.peerTarget?.invalidate(rKey, target: queuePair.number)
                ?? queuePair.memory.invalidateWindow(key: rKey, by: queuePair.peerAccessor)
        }
    }

    // MARK: - Receive requests

    mutating func beginReceive() -> ReceiveStart {
        self.withQueuePair { queuePair in
            let isTaken =
                queuePair.receiveRing?.take(into: &queuePair.receive.descriptor)
                ?? queuePair.sharedReceives?.take(into: &queuePair.receive.descriptor)
                ?? queuePair.peerTarget?.take(into: &queuePair.receive.descriptor)
            guard let isTaken else { return .noQueue }
            queuePair.receive.isActive = isTaken
            return isTaken ? .ready : .empty
        }
    }

    mutating func placeReceive(messageOffset: UInt32, payload: RawSpan) -> CompletionStatus {
        self.withQueuePair { queuePair in
            if let target = queuePair.peerTarget {
                return unsafe target.place(
                    payload,
                    into: queuePair.receive.descriptor.elements,
                    offset: UInt64(messageOffset)
                )
            }
            // The keys of a shared queue's requests belong to the domain of that queue.
            return unsafe queuePair.scatter(
                payload,
                to: queuePair.receive.descriptor.elements,
                offset: UInt64(messageOffset),
                by: .local(domain: (queuePair.sharedReceives?.domain ?? queuePair.domain).handle)
            ) ?? .success
        }
    }

    mutating func completeReceive(_ done: ReceiveCompletion) {
        self.withQueuePair { queuePair in
            queuePair.completeReceive(done)
        }
    }
}

extension QueuePair {
    /// Whether the request in work is one on an extended connection that names no queue.
    fileprivate var lacksTarget: Bool { self.type == .extendedReceive && self.target == nil && self.peerTarget == nil }

    /// The shared receive queue that the request in work takes from, if it is one.
    fileprivate var sharedReceives: SharedReceiveQueue? { self.sharedReceiveQueue ?? self.target }

    internal func completeReceive(_ done: ReceiveCompletion) {
        // The queue of a message on an extended connection may have gone meanwhile, and its request with it.
        guard self.receive.isActive else { return }
        self.receive.isActive = false
        let completion = WorkCompletion(
            done,
            workRequestID: self.receive.descriptor.workRequestID,
            qpNumber: self.number,
            sourceQP: self.attributes.destinationQP
        )
        self.reportReceive(completion, isSolicited: done.isSolicited)
    }
}

extension AccessFlags {
    internal init(_ access: RemoteAccess) {
        switch access {
        case .write: self = .remoteWrite
        case .read: self = .remoteRead
        case .atomic: self = .remoteAtomic
        }
    }
}
