internal import SystemIO

/// The receiving half of a connection's messages: buffers that are posted, parts that have come, and the task that waits.
@safe
internal final class MessageInbox {
    /// A part of a message that lies in a buffer.
    private struct Part {
        let index: Int
        let byteCount: Int
        let isLast: Bool
    }

    /// What a task that wants a message gets.
    enum Step {
        case message([UInt8])
        case end
        case wait(Outcome<Void>)
    }

    private let region: SharedRegion
    private let bufferByteCount: Int
    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var parts: [Part] = []
    private var nextIndex = 0
    /// The parts of the message that is under way, of which some have been taken out of their buffers.
    private var assembled: [UInt8] = []
    private var waiter: Outcome<Void>?
    private var ending: Result<Void, VerbsError>?

    init(region: SharedRegion, bufferByteCount: Int) {
        self.region = region
        self.bufferByteCount = bufferByteCount
    }

    /// A part has come.
    func append(bufferIndex: Int, byteCount: Int, isLast: Bool) {
        self.wake { inbox in
            inbox.parts.append(Part(index: bufferIndex, byteCount: byteCount, isLast: isLast))
        }
    }

    /// Nothing more comes: because the peer has said so, or for an error. What has come before can still be taken.
    func end(_ ending: Result<Void, VerbsError>) {
        self.wake { inbox in
            if inbox.ending == nil { inbox.ending = ending }
        }
    }

    var hasEnded: Bool { self.lock.withLock { self.ending != nil } }

    private func wake(_ change: (MessageInbox) -> Void) {
        let waiter = self.lock.withLock {
            change(self)
            defer { self.waiter = nil }
            return self.waiter
        }
        waiter?.end(.success(()))
    }

    /// The next message if it is there, or what to wait for.
    ///
    /// - Parameter free: Is told each buffer that was taken out; under no lock.
    func next(_ free: (Int) -> Void) throws(VerbsError) -> Step {
        while true {
            let (taken, step) = try self.lock.withLock { () throws(VerbsError) -> (Int?, Step?) in
                guard self.nextIndex < self.parts.count else { return (nil, try self.stepWithoutParts()) }
                let part = self.parts[self.nextIndex]
                self.nextIndex += 1
                if self.nextIndex == self.parts.count {
                    self.parts.removeAll(keepingCapacity: true)
                    self.nextIndex = 0
                }
                self.copy(part)
                guard part.isLast else { return (part.index, nil) }
                defer { self.assembled = [] }
                return (part.index, .message(self.assembled))
            }
            if let taken { free(taken) }
            if let step { return step }
        }
    }

    private func stepWithoutParts() throws(VerbsError) -> Step {
        switch self.ending {
        case .success?: return .end
        case .failure(let error)?: throw error
        case nil:
            let waiter = Outcome<Void>()
            self.waiter = waiter
            return .wait(waiter)
        }
    }

    private func copy(_ part: Part) {
        let start = part.index * self.bufferByteCount
        self.assembled += self.region[start..<start + part.byteCount].copyBytes()
    }
}

// SAFETY: see the stored properties.
extension MessageInbox: @unchecked Sendable {}
