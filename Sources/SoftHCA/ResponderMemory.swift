internal import Segment
internal import Synchronization
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
            guard queuePair.attributes.access.contains(flags) else { return .invalidRequest }
            let pointer = unsafe queuePair.memory.resolve(
                key: rKey,
                address: address,
                byteCount: byteCount,
                access: flags,
                domain: queuePair.domain.handle
            )
            return unsafe pointer == nil ? .accessError : .ok
        }
    }

    mutating func placeWrite(rKey: UInt32, address: UInt64, payload: RawSpan) -> RemoteCheck {
        self.withQueuePair { queuePair in
            guard
                let target = unsafe queuePair.memory.beginAccess(
                    key: rKey,
                    address: address,
                    byteCount: UInt64(payload.byteCount),
                    access: .remoteWrite,
                    domain: queuePair.domain.handle
                )
            else { return .accessError }
            // SAFETY: the table answers for the target until `endAccess`.
            unsafe payload.copy(from: 0, byteCount: payload.byteCount, to: target)
            queuePair.memory.endAccess(key: rKey)
            return .ok
        }
    }

    mutating func atomic(
        rKey: UInt32,
        address: UInt64,
        operation: AtomicOperation,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> UInt64? {
        self.withQueuePair { queuePair in
            guard
                let target = unsafe queuePair.memory.beginAccess(
                    key: rKey,
                    address: address,
                    byteCount: 8,
                    access: .remoteAtomic,
                    domain: queuePair.domain.handle
                )
            else { return nil }
            defer { queuePair.memory.endAccess(key: rKey) }
            // A region may begin anywhere, so an address that is aligned in its terms need not be so in memory.
            guard Int(bitPattern: target) % 8 == 0 else { return nil }
            // SAFETY: eight aligned bytes that the table answers for until `endAccess`.
            let word = unsafe target.assumingMemoryBound(to: Atomic<UInt64>.self)
            switch operation {
            case .compareAndSwap:
                return unsafe word.pointee.compareExchange(
                    expected: compareOrAdd,
                    desired: swap,
                    ordering: .sequentiallyConsistent
                ).original
            case .fetchAndAdd:
                return unsafe word.pointee.wrappingAdd(compareOrAdd, ordering: .sequentiallyConsistent).oldValue
            }
        }
    }

    /// Memory windows, the only keys that a peer may invalidate, do not exist yet.
    mutating func invalidate(rKey: UInt32) -> Bool {
        false
    }

    // MARK: - Receive requests

    mutating func beginReceive() -> ReceiveStart {
        self.withQueuePair { queuePair in
            let isTaken =
                queuePair.receiveRing?.take(into: &queuePair.receive.descriptor)
                ?? queuePair.sharedReceiveQueue?.take(into: &queuePair.receive.descriptor) ?? false
            queuePair.receive.isActive = isTaken
            return isTaken ? .ready : .empty
        }
    }

    mutating func placeReceive(messageOffset: UInt32, payload: RawSpan) -> CompletionStatus {
        self.withQueuePair { queuePair in
            // The keys of a shared queue's requests belong to the domain of that queue.
            unsafe queuePair.scatter(
                payload,
                to: queuePair.receive.descriptor.elements,
                offset: UInt64(messageOffset),
                domain: (queuePair.sharedReceiveQueue?.domain ?? queuePair.domain).handle
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
    internal func completeReceive(_ done: ReceiveCompletion) {
        assert(self.receive.isActive)
        self.receive.isActive = false
        var completion = WorkCompletion()
        completion.workRequestID = self.receive.descriptor.workRequestID
        completion.status = UInt32(done.status.rawValue)
        completion.byteCount = done.byteCount
        completion.qpNumber = self.number
        completion.sourceQP = self.attributes.destinationQP
        switch done.operation {
        case .send: completion.opcode = WorkCompletion.Opcode.receive
        case .writeWithImmediate: completion.opcode = WorkCompletion.Opcode.receiveWriteWithImmediate
        }
        if done.hasImmediate {
            completion.flags |= WorkCompletion.Flag.immediate
            completion.immediateOrKey = done.immediate.bigEndian
        } else if let rKey = done.invalidatedRKey {
            completion.flags |= WorkCompletion.Flag.invalidated
            completion.immediateOrKey = rKey
        }
        self.report(completion, to: self.receiveCompletions, isSolicited: done.isSolicited)
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
