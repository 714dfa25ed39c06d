import Transport

/// The memory and the receive queue of one queue pair of a simulated host.
struct SimulatedHost: ResponderHost, ~Copyable {
    /// A receive request that ended.
    struct Receipt: Sendable {
        var completion: ReceiveCompletion
        /// How many bytes were placed; what they are stands in `received`.
        var placedByteCount: Int
    }

    let rKey: UInt32
    /// Words that other connections of the host work on too.
    var arena: AtomicArena?
    /// The address of the first byte of `memory`. Not aligned beyond 8.
    let address: UInt64
    var memory: SimulatedMemory
    /// The receive request in work, and after its completion what it received.
    var received: SimulatedMemory
    /// How long a message may be.
    var receiveByteCountMax: Int
    /// Posted receive requests, unless `sharedReceives` has them.
    var receiveCount = 0
    var sharedReceives: SharedReceives?
    /// From this many completed receives on, the next one is too short for its message.
    var shortReceiveOrdinal: Int?
    var startedReceiveCount = 0
    var isReceiving = false
    var placedByteCount = 0
    /// What was completed since the last look.
    var receipts: [Receipt] = []
    /// Keys that can still be invalidated once.
    var windowKeys: Set<UInt32> = []
    /// What the host saw that a responder must never do.
    var violation: String?

    init(rKey: UInt32, address: UInt64, byteCount: Int, receiveByteCountMax: Int) {
        self.rKey = rKey
        self.address = address
        self.memory = SimulatedMemory(byteCount: byteCount)
        self.received = SimulatedMemory(byteCount: receiveByteCountMax)
        self.receiveByteCountMax = receiveByteCountMax
    }

    private func offset(of address: UInt64, byteCount: Int) -> Int? {
        guard address >= self.address, address - self.address <= UInt64(self.memory.byteCount) else { return nil }
        let offset = Int(address - self.address)
        return self.memory.contains(offset: offset, byteCount: byteCount) ? offset : nil
    }

    /// READ data, or `nil` when the range is not ours.
    func gather(rKey: UInt32, address: UInt64, byteCount: Int) -> [UInt8]? {
        guard rKey == self.rKey, let offset = self.offset(of: address, byteCount: byteCount) else { return nil }
        return self.memory.copy(offset: offset, byteCount: byteCount)
    }

    mutating func checkRemote(rKey: UInt32, address: UInt64, byteCount: UInt64, access: RemoteAccess) -> RemoteCheck {
        if byteCount == 0 { self.violation = "asked for the access to no bytes" }
        if let arena = self.arena, rKey == arena.rKey {
            return arena.allows(address: address, byteCount: byteCount, access: access) ? .ok : .accessError
        }
        let isOurs = rKey == self.rKey && self.offset(of: address, byteCount: Int(byteCount)) != nil
        return isOurs ? .ok : .accessError
    }

    mutating func beginReceive() -> ReceiveStart {
        if self.isReceiving { self.violation = "a receive request was begun while another was in work" }
        guard self.takeReceive() else { return .empty }
        self.startedReceiveCount += 1
        self.isReceiving = true
        self.placedByteCount = 0
        return .ready
    }

    private mutating func takeReceive() -> Bool {
        if let shared = self.sharedReceives { return shared.take() }
        guard self.receiveCount > 0 else { return false }
        self.receiveCount -= 1
        return true
    }

    mutating func placeReceive(messageOffset: UInt32, payload: RawSpan) -> CompletionStatus {
        if !self.isReceiving { self.violation = "data without a receive request" }
        if payload.byteCount == 0 { self.violation = "asked to place no bytes" }
        // An unreliable message may start over.
        if messageOffset == 0 { self.placedByteCount = 0 }
        if Int(messageOffset) != self.placedByteCount { self.violation = "a gap in a receive request" }
        if self.shortReceiveOrdinal.map({ self.startedReceiveCount > $0 }) ?? false { return .localLengthError }
        guard Int(messageOffset) + payload.byteCount <= self.receiveByteCountMax else { return .localLengthError }
        self.received.copy(payload, to: Int(messageOffset))
        self.placedByteCount = Int(messageOffset) + payload.byteCount
        return .success
    }

    mutating func placeWrite(rKey: UInt32, address: UInt64, payload: RawSpan) -> RemoteCheck {
        if payload.byteCount == 0 { self.violation = "asked to write no bytes" }
        guard rKey == self.rKey, let offset = self.offset(of: address, byteCount: payload.byteCount) else {
            return .accessError
        }
        self.memory.copy(payload, to: offset)
        return .ok
    }

    mutating func atomic(
        rKey: UInt32,
        address: UInt64,
        operation: AtomicOperation,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> AtomicResult {
        if let arena = self.arena, rKey == arena.rKey {
            let original = arena.execute(operation, address: address, compareOrAdd: compareOrAdd, swap: swap)
            return original.map { .executed($0) } ?? .refused
        }
        guard rKey == self.rKey, let offset = self.offset(of: address, byteCount: 8) else { return .refused }
        let original = self.memory.word(at: offset)
        switch operation {
        case .compareAndSwap where original == compareOrAdd: self.memory.store(swap, at: offset)
        case .compareAndSwap: break
        case .fetchAndAdd: self.memory.store(original &+ compareOrAdd, at: offset)
        }
        return .executed(original)
    }

    mutating func invalidate(rKey: UInt32) -> Bool {
        self.windowKeys.remove(rKey) != nil
    }

    mutating func completeReceive(_ completion: ReceiveCompletion) {
        if !self.isReceiving { self.violation = "completed a receive request that was not begun" }
        self.isReceiving = false
        self.receipts.append(Receipt(completion: completion, placedByteCount: self.placedByteCount))
    }
}
