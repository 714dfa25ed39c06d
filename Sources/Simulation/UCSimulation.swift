import Transport
import Wire

/// Two hosts, a faulty network, and an unreliable connection between them.
package struct UCSimulation: ~Copyable {
    private enum Event {
        case packet(endpoint: Int, header: PacketHeader, payload: [UInt8])
        case transmit(endpoint: Int)
        case postReceive(endpoint: Int)
    }

    /// More steps than any live run takes.
    package static var stepMax: Int { 200_000 }

    package let seed: UInt64
    package let isVerbose: Bool
    package private(set) var summary = SimulationSummary()
    private var random: SeededGenerator
    private var now = Timestamp(nanoseconds: 1_000)
    private var events = EventQueue<Event>()
    private var links: [FaultyLink]
    private let isClean: Bool
    /// The network neither copies packets nor lets them overtake each other.
    private let keepsOrder: Bool
    private var endpoints: [UCEndpoint] = []
    private var faults: [InjectedFault] = []

    package init(seed: UInt64, isVerbose: Bool = false) {
        self.seed = seed
        self.isVerbose = isVerbose
        // Not the same numbers as the reliable run of this seed.
        self.random = SeededGenerator(seed: ~seed)
        let features = Features(using: &self.random)
        self.isClean = features.isClean
        self.keepsOrder = !features.copiesPackets && !features.reordersPackets
        self.links = [FaultyLink(features, using: &self.random), FaultyLink(features, using: &self.random)]
        let pathMTU = self.random.pick([PathMTU.bytes256, .bytes256, .bytes1024])
        let psn = PSN(truncating: UInt32(self.random.number(in: 0xFF_FFC0...0xFF_FFFF)))
        let first = self.workload(pathMTU)
        let second = self.workload(pathMTU)
        let host = Self.host(incoming: second, isClean: self.isClean)
        let peerHost = Self.host(incoming: first, isClean: self.isClean)
        let capacity = self.random.pick([1, 3, 16])
        for (index, fault) in [self.fault(first), self.fault(second)].enumerated() {
            self.events.add(.transmit(endpoint: index), at: self.now)
            self.events.add(.postReceive(endpoint: index), at: self.now)
            self.faults.append(fault)
        }
        self.add("A", capacity, host, first, pathMTU, psn)
        self.add("B", capacity, peerHost, second, pathMTU, psn)
    }

    private mutating func add(
        _ name: String,
        _ capacity: Int,
        _ host: consuming SimulatedHost,
        _ workload: consuming Workload,
        _ pathMTU: PathMTU,
        _ psn: PSN
    ) {
        self.endpoints.append(
            UCEndpoint(
                name: name,
                capacity: capacity,
                host: host,
                workload: workload,
                fault: self.faults[self.endpoints.count],
                pathMTU: pathMTU,
                firstPSN: psn,
                expectedPSN: psn
            )
        )
    }

    private static var rKey: UInt32 { 0x1234 }
    private static var address: UInt64 { 0x8000 }

    private mutating func workload(_ pathMTU: PathMTU) -> Workload {
        Workload(
            messageCount: self.random.number(in: 10...60),
            mtu: Int(pathMTU.byteCount),
            packetsMax: self.random.number(in: 1...6),
            peerKey: Self.rKey,
            peerAddress: Self.address,
            isReliable: false,
            using: &self.random
        )
    }

    private static func host(incoming: borrowing Workload, isClean: Bool) -> SimulatedHost {
        var host = SimulatedHost(
            rKey: self.rKey,
            address: self.address,
            byteCount: incoming.shadow.byteCount,
            receiveByteCountMax: incoming.byteCountMax
        )
        incoming.fillInitial(&host.memory)
        if isClean { host.receiveCount = incoming.messages.count }
        return host
    }

    private mutating func fault(_ workload: borrowing Workload) -> InjectedFault {
        guard self.random.chance(15) else { return .none }
        let index = self.random.number(in: 0...(workload.messages.count - 1))
        if self.random.chance(50) { return .refusedPost(index: index) }
        return workload.messages[index].request.byteCount > 0 ? .badMemory(index: index) : .none
    }

    private func log(_ text: @autoclosure () -> String) {
        if self.isVerbose { print("\(self.now.nanoseconds) \(text())") }
    }
}

// MARK: - Running

extension UCSimulation {
    /// Runs until all requests are completed and the network is empty.
    package mutating func run() throws(SimulationFailure) {
        do throws(Violation) {
            while let time = self.events.nextTime, let event = self.events.removeNext() {
                guard self.summary.stepCount < Self.stepMax else {
                    throw Violation("no end after \(Self.stepMax) steps")
                }
                self.summary.stepCount += 1
                self.now = time
                try self.handle(event)
            }
            for index in 0...1 {
                let endpoint = self.endpoints[index]
                guard endpoint.isDone else { throw Violation("\(endpoint.name): nothing happens any more") }
                try endpoint.checkEnd(peer: self.endpoints[1 - index], isClean: self.isClean)
                self.summary.messageCount += endpoint.completedCount
                self.summary.outOfSequence += endpoint.responder.counters.outOfSequence
            }
        } catch {
            throw SimulationFailure(
                seed: self.seed,
                part: "uc",
                nanoseconds: self.now.nanoseconds,
                message: error.message
            )
        }
    }

    private mutating func handle(_ event: Event) throws(Violation) {
        switch event {
        case .transmit(let index):
            try self.transmit(index)
        case .postReceive(let index):
            let endpoint = self.endpoints[index]
            guard !self.endpoints[1 - index].isDone else { return }
            endpoint.host.receiveCount += 1
            let gap = self.random.unsigned(in: 1...20_000)
            self.events.add(event, at: self.now.advanced(byNanoseconds: gap))
        case .packet(let index, let header, let payload):
            let endpoint = self.endpoints[index]
            self.log("\(endpoint.name) < opcode \(header.bth.opcode.rawValue) psn \(header.bth.psn.rawValue)")
            // SAFETY: bytes have no padding between them.
            let action = unsafe endpoint.responder.receive(
                header,
                payload: payload.span.bytes,
                host: &endpoint.host,
                now: self.now
            )
            guard action == .none else { throw Violation("\(endpoint.name): \(action)") }
            try endpoint.checkReceipts(peer: self.endpoints[1 - index], keepsOrder: self.keepsOrder)
        }
    }

    private mutating func transmit(_ index: Int) throws(Violation) {
        let endpoint = self.endpoints[index]
        endpoint.post(count: self.random.number(in: 1...endpoint.capacity))
        for _ in 0..<self.random.number(in: 1...20) {
            guard let packet = endpoint.requester.pollTransmit() else { break }
            guard let payload = endpoint.gather(packet) else {
                endpoint.requester.poison(slot: packet.slot, status: .localProtectionError)
                continue
            }
            let transfer = self.links[index].send(
                byteCount: payload.count + 80,
                at: self.now,
                counts: &self.summary.faults,
                using: &self.random
            )
            self.log("\(endpoint.name) > psn \(packet.header.bth.psn.rawValue)\(transfer.first == nil ? " LOST" : "")")
            self.summary.packetCount += 1
            for arrival in [transfer.first, transfer.second].compactMap(\.self) where !arrival.isCorrupted {
                self.events.add(
                    .packet(endpoint: 1 - index, header: packet.header, payload: payload),
                    at: arrival.time
                )
            }
        }
        try endpoint.checkCompletions()
        guard !endpoint.isDone else { return }
        let pause = self.random.unsigned(in: 100...20_000)
        self.events.add(.transmit(endpoint: index), at: self.now.advanced(byNanoseconds: pause))
    }
}
