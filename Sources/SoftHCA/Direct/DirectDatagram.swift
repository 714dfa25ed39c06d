internal import Segment
internal import SystemIO
internal import Transport
internal import Wire

/// A datagram on its way to a queue pair of this host: its bytes, and who sends it to whom.
@safe
internal struct DirectDatagram {
    // SAFETY: the engine's scratch room: the global route and the payload, under the engine's lock.
    let bytes: UnsafeRawBufferPointer
    let sourceQP: UInt32
    let destQP: UInt32
    let qKey: UInt32
    let hasImmediate: Bool
    let immediate: UInt32
    let isSolicited: Bool

    private var byteCount: Int { unsafe self.bytes.count }
    private var base: UnsafeRawPointer? { unsafe self.bytes.baseAddress }
}

extension DirectDatagram {
    /// What became of it. Nobody tells the sender; it is counted.
    enum Outcome {
        case delivered
        /// No such queue pair, or one that does not receive, or another Q_Key.
        case refused
        /// No receive request, or one that is too short.
        case dropped
    }

    /// Puts the datagram into the next receive request of its receiver.
    ///
    /// - Parameter receive: Room for the request.
    func deliver(to peer: DirectPeer, receive: inout ReceiveDescriptor) -> Outcome {
        peer.enter()
        defer { peer.leave() }
        let view = peer.view
        guard peer.isAlive, let entry = view.queuePairs.find(number: self.destQP), entry.failure.relaxed == 0,
            entry.type.relaxed == QueuePairType.datagram.rawValue, entry.qKey.relaxed == self.qKey,
            QueuePairState(rawValue: entry.state.acquired)?.canReceive == true,
            let receives = view.receiveRing(at: entry.receives.relaxed),
            let completions = view.completionRing(at: entry.receiveCompletions.relaxed)
        else { return .refused }
        // Several processes may send to one queue pair; each is alone from the request to the completion.
        guard entry.deliveryLock.lockSoon() else { return .dropped }
        defer { entry.deliveryLock.unlock() }
        let byteCount = self.byteCount
        let taken = receives.take(into: &receive) { request, index in
            // A request that a datagram does not fit into is still there for the next one.
            guard request.byteCount >= UInt64(byteCount) else { return false }
            entry.receiveID.storeRelaxed(request.workRequestID)
            entry.receiveEnd.storeRelaxed(0)
            entry.receiveIndex.storeReleasing(index &+ 1)
            return true
        }
        guard taken == .taken else {
            // What was noted is somebody else's.
            entry.receiveIndex.storeRelaxed(0)
            return .dropped
        }
        if entry.hasSharedReceives.relaxed != 0, receives.noteLimitEvent() {
            peer.requestAttention(queuePair: self.destQP)
        }
        self.finish(entry, completions, receive, peer)
        return .delivered
    }

    /// Places the payload, or leaves it to the receiver's poll, and completes.
    private func finish(
        _ entry: QueuePairEntry,
        _ completions: CompletionRing,
        _ receive: borrowing ReceiveDescriptor,
        _ peer: DirectPeer
    ) {
        var completion = WorkCompletion()
        completion.workRequestID = receive.workRequestID
        completion.opcode = WorkCompletion.Opcode.receive
        completion.byteCount = UInt32(self.byteCount)
        completion.qpNumber = self.destQP
        completion.sourceQP = self.sourceQP
        completion.flags = WorkCompletion.Flag.globalRoute
        if self.hasImmediate {
            completion.flags |= WorkCompletion.Flag.immediate
            completion.immediateOrKey = self.immediate.bigEndian
        }
        if completions.recordsTimes.relaxed != 0 { completion.timestampNanoseconds = MonotonicClock.now }
        var status = self.check(receive, entry.receiveDomain.relaxed, peer)
        var outcome = CompletionRing.PushOutcome.refused
        if status == .success, let arena = peer.view.arena(of: entry) {
            let elements = unsafe receive.elements
            outcome = completions.push(completion, isSolicited: self.isSolicited) { waiting, index in
                entry.receiveEnd.storeRelaxed(index &+ 1)
                let position = unsafe arena.append(elements, payloadByteCount: self.byteCount) { target in
                    if let base = unsafe self.base {
                        unsafe target.copyMemory(from: base, byteCount: self.byteCount)
                    }
                    return true
                }
                guard let position else { return false }
                waiting.refer(toArena: position, elementCount: elements.count)
                return true
            }
        }
        if outcome == .refused {
            if status == .success { status = self.place(receive, entry.receiveDomain.relaxed, peer) }
            completion.status = UInt32(status.rawValue)
            outcome = completions.push(completion, isSolicited: self.isSolicited || status != .success) { _, index in
                entry.receiveEnd.storeRelaxed(index &+ 1)
                return true
            }
        }
        entry.receiveIndex.storeReleasing(0)
        if status != .success, entry.failure.replace(0, with: QueuePairEntry.Failure.receiveError.rawValue) {
            peer.requestAttention(queuePair: self.destQP)
        }
        switch outcome {
        case .stored, .refused, .busy: break
        case .storedAndDue: peer.signalChannel(of: completions, queuePair: self.destQP)
        case .storedAndWaiting: peer.requestAttention(queuePair: self.destQP)
        case .overrun, .overrunAgain:
            if outcome == .overrun { completions.unreportedOverrun.storeRelaxed(1) }
            if entry.failure.replace(0, with: QueuePairEntry.Failure.lostCompletion.rawValue) {
                peer.requestAttention(queuePair: self.destQP)
            }
        }
    }

    /// Whether every element that the datagram reaches may be written.
    private func check(
        _ receive: borrowing ReceiveDescriptor,
        _ domain: UInt32,
        _ peer: DirectPeer
    ) -> CompletionStatus {
        var left = self.byteCount
        for index in 0..<receive.elementCount where left > 0 {
            var element = receive[index]
            element.byteCount = min(element.byteCount, UInt32(left))
            left -= Int(element.byteCount)
            if element.byteCount > 0, self.locate(element, domain, peer) == nil { return .localProtectionError }
        }
        return .success
    }

    private func place(
        _ receive: borrowing ReceiveDescriptor,
        _ domain: UInt32,
        _ peer: DirectPeer
    ) -> CompletionStatus {
        var done = 0
        for index in 0..<receive.elementCount where done < self.byteCount {
            var element = receive[index]
            element.byteCount = min(element.byteCount, UInt32(self.byteCount - done))
            guard element.byteCount > 0 else { continue }
            guard let location = self.locate(element, domain, peer), let base = unsafe self.base else {
                return .localProtectionError
            }
            var range = unsafe MemoryRange(address: UInt(bitPattern: base + done), byteCount: Int(element.byteCount))
            let byteCount = range.byteCount
            let error = unsafe withUnsafePointer(to: &range) {
                unsafe peer.write(UnsafeBufferPointer(start: $0, count: 1), to: location, byteCount: byteCount)
            }
            if error != nil { return .localProtectionError }
            done += Int(element.byteCount)
        }
        return .success
    }

    private func locate(_ element: ScatterElement, _ domain: UInt32, _ peer: DirectPeer) -> MemoryLocation? {
        peer.view.memory.resolve(
            key: element.lKey,
            address: element.address,
            byteCount: UInt64(element.byteCount),
            access: .localWrite,
            by: .local(domain: domain)
        )
    }
}
