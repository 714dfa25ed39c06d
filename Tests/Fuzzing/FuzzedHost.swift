import Transport

/// Memory and receive queue of a responder under fuzzing. It allows what a region would allow, and traps when the responder
/// does what it must not.
struct FuzzedHost: ResponderHost, ~Copyable {
    static var rKey: UInt32 { 0x0000_00AA }
    static var address: UInt64 { 0x1000 }
    static var byteCount: UInt64 { 0x2000 }
    static var receiveByteCountMax: Int { 3000 }

    var receiveCount = 4
    private var isReceiving = false
    private var placedByteCount = 0
    /// Range and access of the checks that the responder was told are fine.
    private var word: UInt64 = 0

    init() {}

    private static func contains(_ address: UInt64, _ byteCount: UInt64) -> Bool {
        address >= self.address && byteCount <= self.byteCount && address - self.address <= self.byteCount - byteCount
    }

    mutating func checkRemote(rKey: UInt32, address: UInt64, byteCount: UInt64, access: RemoteAccess) -> RemoteCheck {
        precondition(byteCount > 0, "asked for the access to no bytes")
        return rKey & 0xFF == Self.rKey && Self.contains(address, byteCount) ? .ok : .accessError
    }

    mutating func beginReceive() -> ReceiveStart {
        precondition(!self.isReceiving, "two receive requests in work")
        guard self.receiveCount > 0 else { return .empty }
        self.receiveCount -= 1
        self.placedByteCount = 0
        self.isReceiving = true
        return .ready
    }

    mutating func placeReceive(messageOffset: UInt32, payload: RawSpan) -> CompletionStatus {
        precondition(self.isReceiving && payload.byteCount > 0, "data for nothing")
        if messageOffset == 0 { self.placedByteCount = 0 }
        precondition(Int(messageOffset) == self.placedByteCount, "a gap in a message")
        self.placedByteCount += payload.byteCount
        return self.placedByteCount <= Self.receiveByteCountMax ? .success : .localLengthError
    }

    mutating func placeWrite(rKey: UInt32, address: UInt64, payload: RawSpan) -> RemoteCheck {
        precondition(payload.byteCount > 0, "asked to write no bytes")
        precondition(rKey & 0xFF == Self.rKey && Self.contains(address, UInt64(payload.byteCount)), "wrote outside")
        return .ok
    }

    mutating func atomic(
        rKey: UInt32,
        address: UInt64,
        operation: AtomicOperation,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> AtomicResult {
        precondition(rKey & 0xFF == Self.rKey && Self.contains(address, 8) && address & 7 == 0, "an atomic outside")
        self.word &+= compareOrAdd
        return .executed(self.word)
    }

    mutating func invalidate(rKey: UInt32) -> Bool { rKey & 1 == 0 }

    mutating func completeReceive(_ completion: ReceiveCompletion) {
        precondition(self.isReceiving, "completed what was not begun")
        precondition(completion.status != .success || completion.byteCount <= 1 << 31)
        self.isReceiving = false
    }
}
