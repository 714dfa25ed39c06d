import Transport

/// The requests of one direction of a connection, drawn from the seed, and the peer's memory as it must be in the end.
struct Workload: ~Copyable {
    /// How the peer's memory is used.
    private enum Layout {
        static var readZoneByteCount: Int { 32768 }
        static var counterCount: Int { 8 }
        static var counterOffset: Int { self.readZoneByteCount }
        /// Written over and over.
        static var hotOffset: Int { self.counterOffset + 8 * self.counterCount }
        static var hotByteCount: Int { 1024 }
        static var writeOffset: Int { self.hotOffset + self.hotByteCount }
    }

    private(set) var messages: [PlannedMessage] = []
    /// What the peer's receive queue must complete, in order: indices of `messages`.
    private(set) var receivedMessages: [Int] = []
    private(set) var windowKeys: Set<UInt32> = []
    private(set) var byteCountMax = 0
    var shadow: SimulatedMemory
    let readZonePattern: UInt64
    private let peerArena: (rKey: UInt32, address: UInt64)?
    private let peerKey: UInt32
    private let peerAddress: UInt64
    private let mtu: Int
    private var counters = [UInt64](repeating: 0, count: Layout.counterCount)
    private var nextWriteOffset = Layout.writeOffset
    /// Places that were written once: offset, length, pattern.
    private var written: [(offset: Int, byteCount: Int, pattern: UInt64)] = []

    /// - Parameters:
    ///   - packetsMax: how many packets the longest message has.
    ///   - peerArena: words of the peer's host that others work on too.
    init(
        messageCount: Int,
        mtu: Int,
        packetsMax: Int,
        peerKey: UInt32,
        peerAddress: UInt64,
        peerArena: (rKey: UInt32, address: UInt64)? = nil,
        isReliable: Bool,
        using random: inout SeededGenerator
    ) {
        self.peerArena = peerArena
        self.mtu = mtu
        self.peerKey = peerKey
        self.peerAddress = peerAddress
        self.readZonePattern = random.next()
        self.shadow = SimulatedMemory(byteCount: 0)
        for _ in 0..<messageCount {
            let byteCount = Self.drawByteCount(mtu: mtu, packetsMax: packetsMax, using: &random)
            self.byteCountMax = max(self.byteCountMax, byteCount)
            var message = self.draw(byteCount: byteCount, isReliable: isReliable, using: &random)
            message.request.isFenced = isReliable && random.chance(8)
            message.request.isSolicited = random.chance(20)
            self.messages.append(message)
        }
        self.shadow = SimulatedMemory(byteCount: (self.nextWriteOffset + 7) & ~7)
        self.shadow.fill(pattern: self.readZonePattern, at: 0, byteCount: Layout.readZoneByteCount)
        for message in self.messages { self.apply(message) }
        for (index, value) in self.counters.enumerated() {
            self.shadow.store(value, at: Layout.counterOffset + 8 * index)
        }
    }

    /// How long messages are: the borders of packets more often than their middles.
    private static func drawByteCount(mtu: Int, packetsMax: Int, using random: inout SeededGenerator) -> Int {
        switch random.number(in: 0...9) {
        case 0: 0
        case 1: random.number(in: 1...9)
        case 2: mtu + random.number(in: -1...1)
        case 3: mtu * random.number(in: 1...packetsMax)
        case 4: mtu * random.number(in: 1...packetsMax) - random.number(in: 1...3)
        case 5, 6: random.number(in: 0...(mtu * packetsMax))
        default: random.number(in: 0...mtu)
        }
    }

    /// What the peer's memory holds before the first request.
    func fillInitial(_ memory: inout SimulatedMemory) {
        memory.fill(pattern: self.readZonePattern, at: 0, byteCount: Layout.readZoneByteCount)
    }
}

// MARK: - Requests

extension Workload {
    private mutating func draw(
        byteCount: Int,
        isReliable: Bool,
        using random: inout SeededGenerator
    ) -> PlannedMessage {
        guard isReliable else {
            return random.chance(60)
                ? self.send(byteCount: byteCount, hasImmediate: true, using: &random)
                : self.write(byteCount: byteCount, hasImmediate: random.chance(60), using: &random)
        }
        switch random.number(in: 0...99) {
        case 0..<30: return self.send(byteCount: byteCount, hasImmediate: random.chance(30), using: &random)
        case 30..<35: return self.sendWithInvalidate(byteCount: byteCount, using: &random)
        case 35..<50: return self.write(byteCount: byteCount, hasImmediate: false, using: &random)
        case 50..<58: return self.write(byteCount: byteCount, hasImmediate: true, using: &random)
        case 58..<63: return self.overwrite(using: &random)
        case 63..<83: return self.read(byteCount: byteCount, using: &random)
        case 83..<93:
            guard let arena = self.peerArena, random.chance(60) else { return self.atomic(using: &random) }
            return self.sharedAtomic(in: arena, using: &random)
        case 93..<96: return self.atomicWrite(using: &random)
        default:
            let request = SendRequest(operation: .localInvalidate, byteCount: 0)
            return PlannedMessage(request: request, pattern: 0, expectation: .local)
        }
    }

    private mutating func received() -> Int {
        self.receivedMessages.append(self.messages.count)
        return self.receivedMessages.count - 1
    }

    private mutating func send(byteCount: Int, hasImmediate: Bool, using random: inout SeededGenerator)
        -> PlannedMessage
    {
        var request = SendRequest(operation: .send, byteCount: UInt32(byteCount))
        request.hasImmediate = hasImmediate
        request.immediate = UInt32(self.messages.count)
        return PlannedMessage(
            request: request,
            pattern: random.next(),
            expectation: .received(ordinal: self.received())
        )
    }

    private mutating func sendWithInvalidate(byteCount: Int, using random: inout SeededGenerator) -> PlannedMessage {
        var message = self.send(byteCount: byteCount, hasImmediate: false, using: &random)
        message.request.operation = .sendWithInvalidate
        message.request.invalidateRKey = 0x7000_0000 + UInt32(self.messages.count)
        self.windowKeys.insert(message.request.invalidateRKey)
        return message
    }

    private mutating func write(
        byteCount: Int,
        hasImmediate: Bool,
        using random: inout SeededGenerator
    ) -> PlannedMessage {
        let offset = self.nextWriteOffset
        // Odd places too. Some space between them shows bytes that go astray.
        self.nextWriteOffset += byteCount + random.number(in: 0...9)
        let pattern = random.next()
        var request = self.request(.write, byteCount: byteCount, offset: offset)
        request.hasImmediate = hasImmediate
        request.immediate = UInt32(self.messages.count)
        self.written.append((offset, byteCount, pattern))
        let expectation: PlannedMessage.Expectation =
            hasImmediate ? .writtenAndReceived(offset: offset, ordinal: self.received()) : .written(offset: offset)
        return PlannedMessage(request: request, pattern: pattern, expectation: expectation)
    }

    private mutating func overwrite(using random: inout SeededGenerator) -> PlannedMessage {
        let byteCount = min(Layout.hotByteCount, random.number(in: 1...(2 * self.mtu)))
        let offset = Layout.hotOffset + random.number(in: 0...(Layout.hotByteCount - byteCount))
        let request = self.request(.write, byteCount: byteCount, offset: offset)
        return PlannedMessage(request: request, pattern: random.next(), expectation: .overwritten)
    }

    private mutating func atomicWrite(using random: inout SeededGenerator) -> PlannedMessage {
        self.nextWriteOffset = (self.nextWriteOffset + 7) & ~7
        let offset = self.nextWriteOffset
        self.nextWriteOffset += 8
        let request = self.request(.atomicWrite, byteCount: 8, offset: offset)
        return PlannedMessage(request: request, pattern: random.next(), expectation: .written(offset: offset))
    }

    /// Reads what never changes, or what an earlier WRITE of this connection wrote, which it must see.
    private mutating func read(byteCount: Int, using random: inout SeededGenerator) -> PlannedMessage {
        var offset = 0
        var length = byteCount
        var expected = (pattern: self.readZonePattern, patternOffset: 0)
        if random.chance(30), !self.written.isEmpty {
            let place = random.pick(self.written)
            (offset, length) = (place.offset, place.byteCount)
            expected.pattern = place.pattern
        } else {
            offset = 8 * random.number(in: 0...((Layout.readZoneByteCount - byteCount) / 8))
            expected.patternOffset = offset
        }
        return PlannedMessage(
            request: self.request(.read, byteCount: length, offset: offset),
            pattern: 0,
            expectation: .read(pattern: expected.pattern, patternOffset: expected.patternOffset)
        )
    }

    private mutating func atomic(using random: inout SeededGenerator) -> PlannedMessage {
        let index = random.number(in: 0...(Layout.counterCount - 1))
        let isSwap = random.chance(50)
        let original = self.counters[index]
        var request = self.request(
            isSwap ? .compareAndSwap : .fetchAndAdd,
            byteCount: 8,
            offset: Layout.counterOffset + 8 * index
        )
        if isSwap {
            // Some do not match, and must change nothing.
            request.compareOrAdd = random.chance(70) ? original : original &+ 1
            request.swap = random.next()
            if request.compareOrAdd == original { self.counters[index] = request.swap }
        } else {
            request.compareOrAdd = random.next()
            self.counters[index] = original &+ request.compareOrAdd
        }
        return PlannedMessage(request: request, pattern: 0, expectation: .original(original))
    }

    /// Its operand is like no other, so that the arena knows it by that.
    private func sharedAtomic(
        in arena: (rKey: UInt32, address: UInt64),
        using random: inout SeededGenerator
    ) -> PlannedMessage {
        let isSwap = random.chance(30)
        let number = random.next()
        let word = UInt64(random.number(in: 0...(AtomicArena.wordCount - 1)))
        var request = SendRequest(operation: isSwap ? .compareAndSwap : .fetchAndAdd, byteCount: 8)
        request.remoteAddress = arena.address + 8 * word
        request.rKey = arena.rKey
        request.compareOrAdd = isSwap ? 0 : number
        request.swap = isSwap ? number : 0
        return PlannedMessage(request: request, pattern: 0, expectation: .shared)
    }

    private func request(_ operation: SendRequest.Operation, byteCount: Int, offset: Int) -> SendRequest {
        var request = SendRequest(operation: operation, byteCount: UInt32(byteCount))
        request.remoteAddress = self.peerAddress + UInt64(offset)
        request.rKey = self.peerKey
        return request
    }

    private mutating func apply(_ message: PlannedMessage) {
        guard message.request.operation == .write || message.request.operation == .atomicWrite else { return }
        let offset = Int(message.request.remoteAddress - self.peerAddress)
        self.shadow.fill(pattern: message.pattern, at: offset, byteCount: Int(message.request.byteCount))
    }
}
