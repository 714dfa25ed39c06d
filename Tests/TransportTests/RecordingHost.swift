import Transport

/// A host that takes everything, notes what it was asked, and can be told to refuse.
struct RecordingHost: ResponderHost, ~Copyable {
    var receiveCount = 100
    var isAccessible = true
    var allowsOperation = true
    var placement = CompletionStatus.success
    var startStatus: CompletionStatus?
    var word: UInt64 = 0
    /// Somebody else works on the word.
    var isBusy = false
    private(set) var calls: [String] = []
    private(set) var completions: [ReceiveCompletion] = []

    private var check: RemoteCheck {
        if !self.allowsOperation { return .invalidRequest }
        return self.isAccessible ? .ok : .accessError
    }

    mutating func checkRemote(rKey: UInt32, address: UInt64, byteCount: UInt64, access: RemoteAccess) -> RemoteCheck {
        self.calls.append("check \(access) \(byteCount)")
        return self.check
    }

    mutating func beginReceive() -> ReceiveStart {
        if let startStatus = self.startStatus { return .error(startStatus) }
        guard self.receiveCount > 0 else { return .empty }
        self.receiveCount -= 1
        self.calls.append("begin")
        return .ready
    }

    mutating func placeReceive(messageOffset: UInt32, payload: RawSpan) -> CompletionStatus {
        self.calls.append("receive \(messageOffset) \(payload.byteCount)")
        return self.placement
    }

    mutating func placeWrite(rKey: UInt32, address: UInt64, payload: RawSpan) -> RemoteCheck {
        self.calls.append("write \(address) \(payload.byteCount)")
        return self.check
    }

    mutating func atomic(
        rKey: UInt32,
        address: UInt64,
        operation: AtomicOperation,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> AtomicResult {
        self.calls.append("\(operation) \(compareOrAdd) \(swap)")
        guard self.isAccessible else { return .refused }
        guard !self.isBusy else { return .busy }
        defer { self.word = operation == .fetchAndAdd ? self.word &+ compareOrAdd : swap }
        return .executed(self.word)
    }

    mutating func invalidate(rKey: UInt32) -> Bool {
        self.calls.append("invalidate \(rKey)")
        return self.isAccessible
    }

    mutating func completeReceive(_ completion: ReceiveCompletion) {
        self.completions.append(completion)
    }
}
