import Transport
import Wire

/// Two hosts, a faulty network, and reliable connections between them that carry random workloads both ways.
///
/// Everything comes from the seed. Safety is checked on every step, liveness at the end.
package struct RCSimulation: ~Copyable {
    private enum Event {
        case packet(endpoint: Int, header: PacketHeader, payload: [UInt8])
        case transmit(endpoint: Int)
        case postReceives(endpoint: Int)
        case resume(endpoint: Int)
        case abort(endpoint: Int)
    }

    /// More steps than any live run takes.
    package static var stepMax: Int { 2_000_000 }

    package let seed: UInt64
    package let isVerbose: Bool
    /// What happened, summed over all queue pairs.
    package private(set) var summary = SimulationSummary()
    private var random: SeededGenerator
    private var now = Timestamp(nanoseconds: 1_000)
    private var events = EventQueue<Event>()
    private var links: [FaultyLink]
    /// Two for each connection; the peer of `index` is `index ^ 1`.
    private var endpoints: [RCEndpoint] = []

    package init(seed: UInt64, isVerbose: Bool = false) {
        self.seed = seed
        self.isVerbose = isVerbose
        self.random = SeededGenerator(seed: seed)
        let isClean = self.random.chance(33)
        self.links = [
            FaultyLink(isClean: isClean, using: &self.random), FaultyLink(isClean: isClean, using: &self.random),
        ]
        for _ in 0..<self.random.number(in: 1...2) { self.addConnection() }
    }

    private mutating func addConnection() {
        let parameters = RCParameters(isClean: self.links[0].isClean, using: &self.random)
        // Close below the wrap, so that most runs cross it, or anywhere.
        let psns = (0..<2).map { _ in
            let isNearWrap = self.random.chance(70)
            return PSN(truncating: UInt32(self.random.number(in: isNearWrap ? 0xFF_FFC0...0xFF_FFFF : 0...0xFF_FFFF)))
        }
        let keys = (0..<2).map { _ in UInt32(truncatingIfNeeded: self.random.next()) }
        let addresses = (0..<2).map { _ in self.random.unsigned(in: 1...0xFFFF_FFFF) * 8 }
        // Captured by both loops: the second endpoint needs the workload of the first, and the other way round.
        let first = self.workload(parameters, peerKey: keys[1], peerAddress: addresses[1])
        let second = self.workload(parameters, peerKey: keys[0], peerAddress: addresses[0])
        let (firstFault, secondFault) = self.faults(first: first, second: second)
        let firstHost = self.host(rKey: keys[0], address: addresses[0], incoming: second, fault: firstFault)
        let secondHost = self.host(rKey: keys[1], address: addresses[1], incoming: first, fault: secondFault)
        let index = self.endpoints.count
        self.add("A\(index / 2)", parameters, firstHost, first, firstFault, psns[0], psns[1], index: index)
        self.add("B\(index / 2)", parameters, secondHost, second, secondFault, psns[1], psns[0], index: index + 1)
    }

    private mutating func add(
        _ name: String,
        _ parameters: RCParameters,
        _ host: consuming SimulatedHost,
        _ workload: consuming Workload,
        _ fault: InjectedFault,
        _ firstPSN: PSN,
        _ expectedPSN: PSN,
        index: Int
    ) {
        self.endpoints.append(
            RCEndpoint(
                name: name,
                parameters: parameters,
                host: host,
                workload: workload,
                fault: fault,
                firstPSN: firstPSN,
                expectedPSN: expectedPSN,
                destQP: QPN(truncating: UInt32(index ^ 1))
            )
        )
        self.events.add(.transmit(endpoint: index), at: self.now)
        self.events.add(.postReceives(endpoint: index), at: self.now)
        if case .abort(let nanoseconds) = fault {
            self.events.add(.abort(endpoint: index), at: Timestamp(nanoseconds: nanoseconds))
        }
        self.log("\(name): \(fault) \(parameters)")
    }

    private mutating func workload(_ parameters: RCParameters, peerKey: UInt32, peerAddress: UInt64) -> Workload {
        Workload(
            messageCount: parameters.messageCount,
            mtu: Int(parameters.requester.pathMTU.byteCount),
            packetsMax: parameters.packetsMax,
            peerKey: peerKey,
            peerAddress: peerAddress,
            isReliable: true,
            using: &self.random
        )
    }

    /// The host that `incoming` works on.
    private func host(
        rKey: UInt32,
        address: UInt64,
        incoming: borrowing Workload,
        fault: InjectedFault
    ) -> SimulatedHost {
        var host = SimulatedHost(
            rKey: rKey,
            address: address,
            byteCount: incoming.shadow.byteCount,
            receiveByteCountMax: incoming.byteCountMax
        )
        incoming.fillInitial(&host.memory)
        host.windowKeys = incoming.windowKeys
        if case .shortReceive(let ordinal) = fault { host.shortReceiveOrdinal = ordinal }
        return host
    }

    /// A quarter of the connections has a fault, on one side.
    private mutating func faults(
        first: borrowing Workload,
        second: borrowing Workload
    ) -> (InjectedFault, InjectedFault) {
        guard self.random.chance(25) else { return (.none, .none) }
        return self.random.chance(50)
            ? (self.fault(outgoing: first, incoming: second), .none)
            : (.none, self.fault(outgoing: second, incoming: first))
    }

    private mutating func fault(outgoing: borrowing Workload, incoming: borrowing Workload) -> InjectedFault {
        let index = self.random.number(in: 0...(outgoing.messages.count - 1))
        let message = outgoing.messages[index]
        let operation = message.request.operation
        switch self.random.number(in: 0...5) {
        case 0 where message.request.byteCount > 0 && (operation == .write || operation == .read):
            return .badKey(index: index)
        case 0 where operation.isAtomic:
            return .badKey(index: index)
        case 1:
            return .refusedPost(index: index)
        case 2 where message.request.byteCount > 0 && !operation.isAtomic:
            return .badMemory(index: index)
        case 3:
            let ordinals = incoming.receivedMessages.indices.filter { ordinal in
                let request = incoming.messages[incoming.receivedMessages[ordinal]].request
                return request.operation != .write && request.byteCount > 0
            }
            return ordinals.isEmpty ? .none : .shortReceive(ordinal: self.random.pick(ordinals))
        case 4:
            return .lostReadMemory(packetCount: self.random.number(in: 0...40))
        default:
            return .abort(nanoseconds: self.random.unsigned(in: 1_000...500_000))
        }
    }

    private func log(_ text: @autoclosure () -> String) {
        if self.isVerbose { print("\(self.now.nanoseconds) \(text())") }
    }
}

// MARK: - Running

extension RCSimulation {
    /// Runs until all requests are completed.
    package mutating func run() throws(SimulationFailure) {
        do throws(Violation) {
            while !self.endpoints.allSatisfy(\.isDone) {
                guard self.summary.stepCount < Self.stepMax else {
                    throw Violation("no end after \(Self.stepMax) steps")
                }
                self.summary.stepCount += 1
                try self.step()
            }
            for index in self.endpoints.indices {
                try self.endpoints[index].checkEnd(peer: self.endpoints[index ^ 1])
            }
            for index in self.endpoints.indices where self.links[0].isClean {
                try self.endpoints[index].checkCleanNetwork(peer: self.endpoints[index ^ 1])
            }
            for endpoint in self.endpoints { self.summary.add(endpoint) }
        } catch {
            throw SimulationFailure(
                seed: self.seed,
                part: "rc",
                nanoseconds: self.now.nanoseconds,
                message: error.message
            )
        }
    }

    /// The next event or timeout, whichever is earlier.
    private mutating func step() throws(Violation) {
        var timeout: (time: Timestamp, index: Int)?
        for index in self.endpoints.indices {
            guard let time = self.endpoints[index].requester.nextTimeout else { continue }
            if timeout.map({ time < $0.time }) ?? true { timeout = (time, index) }
        }
        let eventTime = self.events.nextTime
        if let timeout, eventTime.map({ timeout.time < $0 }) ?? true {
            self.now = max(self.now, timeout.time)
            self.log("\(self.endpoints[timeout.index].name) timeout")
            self.endpoints[timeout.index].requester.handleTimeout(now: self.now)
            return try self.transmit(timeout.index)
        }
        guard let eventTime, let event = self.events.removeNext() else { throw Violation("nothing happens any more") }
        self.now = eventTime
        switch event {
        case .packet(let index, let header, let payload): try self.receive(header, payload: payload, at: index)
        case .transmit(let index):
            self.endpoints[index].isTransmitPlanned = false
            try self.transmit(index)
        case .postReceives(let index): self.postReceives(index)
        case .resume(let index):
            self.endpoints[index].resume()
            try self.transmit(index)
        case .abort(let index):
            self.endpoints[index].requester.enterError()
            try self.transmit(index)
        }
    }

    private mutating func postReceives(_ index: Int) {
        let endpoint = self.endpoints[index]
        // More than all messages together need.
        let neededCount = self.endpoints[index ^ 1].workload.receivedMessages.count
        guard endpoint.host.startedReceiveCount + endpoint.host.receiveCount < neededCount else { return }
        endpoint.host.receiveCount += self.random.number(in: 1...endpoint.parameters.receiveBatchMax)
        let gap = self.random.unsigned(in: 1...endpoint.parameters.receiveGapNanoseconds)
        self.events.add(.postReceives(endpoint: index), at: self.now.advanced(byNanoseconds: gap))
    }

    private mutating func planTransmit(_ index: Int, after nanoseconds: UInt64) {
        guard !self.endpoints[index].isTransmitPlanned else { return }
        self.endpoints[index].isTransmitPlanned = true
        self.events.add(.transmit(endpoint: index), at: self.now.advanced(byNanoseconds: nanoseconds))
    }
}

// MARK: - Packets

extension RCSimulation {
    private mutating func receive(_ header: PacketHeader, payload: [UInt8], at index: Int) throws(Violation) {
        let endpoint = self.endpoints[index]
        let peer = self.endpoints[index ^ 1]
        self.log("\(endpoint.name) < \(Self.text(header, payload))")
        if header.bth.opcode.isResponse {
            let action = endpoint.requester.receive(header, payloadByteCount: payload.count, now: self.now)
            try endpoint.place(action, payload: payload)
        } else {
            // SAFETY: bytes have no padding between them.
            let action = unsafe endpoint.responder.receive(
                header,
                payload: payload.span.bytes,
                host: &endpoint.host,
                now: self.now
            )
            if case .failed(let failure) = action { endpoint.failure = failure }
        }
        try endpoint.checkReceipts(peer: peer)
        if self.random.chance(endpoint.parameters.promptPercent) {
            try self.transmit(index)
        } else {
            self.planTransmit(index, after: self.random.unsigned(in: 0...3_000))
        }
    }

    /// Lets a queue pair do all that it can do now.
    private mutating func transmit(_ index: Int) throws(Violation) {
        let endpoint = self.endpoints[index]
        if endpoint.requester.outstandingCount == 0 || self.random.chance(40) {
            endpoint.post(count: self.random.number(in: 1...endpoint.parameters.capacity))
        }
        if endpoint.suspendedSince == nil, self.random.chance(endpoint.parameters.suspendPercent) {
            endpoint.suspend()
        }
        var budget = self.random.number(in: 1...endpoint.parameters.transmitBatchMax)
        while budget > 0 {
            let isRequestFirst = self.random.chance(50)
            var isIdle = try !(isRequestFirst ? self.sendRequest(index) : self.sendResponse(index))
            if isIdle { isIdle = try !(isRequestFirst ? self.sendResponse(index) : self.sendRequest(index)) }
            if isIdle { break }
            budget -= 1
        }
        if budget == 0 { self.planTransmit(index, after: self.random.unsigned(in: 100...2_000)) }
        if !endpoint.responder.hasOutput || !endpoint.responder.isInError { endpoint.spreadError() }
        try endpoint.checkReceipts(peer: self.endpoints[index ^ 1])
        try endpoint.checkCompletions(peer: self.endpoints[index ^ 1])
        if endpoint.noteDrained() {
            let pause = self.random.unsigned(in: 0...50_000)
            self.events.add(.resume(endpoint: index), at: self.now.advanced(byNanoseconds: pause))
        }
        if endpoint.requester.outstandingCount == 0, !endpoint.isDone {
            self.planTransmit(index, after: self.random.unsigned(in: 100...10_000))
        }
    }

    private mutating func sendRequest(_ index: Int) throws(Violation) -> Bool {
        let endpoint = self.endpoints[index]
        while true {
            guard let packet = endpoint.requester.pollTransmit(now: self.now) else {
                if try endpoint.runLocal() { continue }
                return false
            }
            guard let payload = try endpoint.gather(packet) else {
                endpoint.requester.poison(slot: packet.slot, status: .localProtectionError)
                continue
            }
            self.send(packet.header, payload: payload, from: index)
            return true
        }
    }

    private mutating func sendResponse(_ index: Int) throws(Violation) -> Bool {
        let endpoint = self.endpoints[index]
        while let packet = endpoint.responder.pollTransmit(now: self.now) {
            if let payload = endpoint.gatherAnswer(packet.source) {
                self.send(packet.header, payload: payload, from: index)
                return true
            }
            if case .failed(let failure) = endpoint.responder.failRead() { endpoint.failure = failure }
        }
        return false
    }

    private mutating func send(_ header: PacketHeader, payload: [UInt8], from index: Int) {
        let arrivals = self.links[index & 1].arrivals(at: self.now, using: &self.random)
        self.log("\(self.endpoints[index].name) > \(Self.text(header, payload))\(arrivals.isEmpty ? " LOST" : "")")
        self.summary.packetCount += 1
        if arrivals.isEmpty { self.summary.lostCount += 1 }
        for arrival in arrivals {
            self.events.add(.packet(endpoint: index ^ 1, header: header, payload: payload), at: arrival)
        }
    }

    private static func text(_ header: PacketHeader, _ payload: [UInt8]) -> String {
        var text = "opcode \(header.bth.opcode.rawValue) psn \(header.bth.psn.rawValue) bytes \(payload.count)"
        if header.bth.isAckRequested { text += " A" }
        if header.bth.opcode.hasRETH { text += " dma \(header.reth.dmaByteCount)" }
        if header.bth.opcode.hasAETH { text += " \(header.aeth.syndrome)" }
        return text
    }
}
