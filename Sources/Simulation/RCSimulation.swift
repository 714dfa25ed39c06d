import Transport
import Wire

/// Hosts, a faulty network, and reliable connections between them that carry random workloads both ways.
///
/// Everything comes from the seed. In the safety phase, packets and hosts meet the faults that the seed has turned on, and
/// every step is checked. Then the faults stop, and everything outstanding must end within a bound (liveness).
package struct RCSimulation: ~Copyable {
    enum Event {
        case packet(endpoint: Int, SimulatedPacket)
        case transmit(endpoint: Int)
        case postReceives(endpoint: Int)
        case resume(endpoint: Int)
        case abort(endpoint: Int)
        case pause(machine: Int)
        case wake(machine: Int, life: Int)
        case die(machine: Int)
        case rise(machine: Int)
        case cut(link: Int)
        case mend(link: Int)
        case calm
    }

    /// More steps than any live run takes.
    package static var stepMax: Int { 2_000_000 }
    /// How long a run may go on after the faults have stopped, beside what requesters have patience for.
    package static var livenessNanoseconds: UInt64 { 500_000_000 }
    /// How many connections are made anew in a run.
    static var reconnectionMax: Int { 4 }

    package let seed: UInt64
    package let isVerbose: Bool
    /// What happened, summed over all queue pairs.
    package internal(set) var summary = SimulationSummary()
    let features: Features
    var random: SeededGenerator
    var now = Timestamp(nanoseconds: 1_000)
    var calmAt: Timestamp
    var isCalm = false
    /// Everything must have ended by then.
    var endAt: Timestamp
    var events = EventQueue<Event>()
    var machines: [SimulatedMachine] = []
    /// From machine to machine: `from * machines.count + to`.
    var links: [FaultyLink] = []
    /// Two for each connection; the peer of `index` is `index ^ 1`.
    var endpoints: [RCEndpoint] = []
    /// How packets from machine to machine are sealed.
    var paths: [ICRCPath] = []

    package init(seed: UInt64, isVerbose: Bool = false) {
        self.seed = seed
        self.isVerbose = isVerbose
        self.random = SeededGenerator(seed: seed)
        self.features = Features(using: &self.random)
        self.calmAt = Timestamp(nanoseconds: self.random.unsigned(in: 300_000...20_000_000))
        self.endAt = self.calmAt.advanced(byNanoseconds: Self.livenessNanoseconds)
        let machineCount = self.random.pick([2, 2, 2, 3, 4, 5])
        for _ in 0..<machineCount {
            let arena = AtomicArena(
                rKey: UInt32(truncatingIfNeeded: self.random.next()),
                address: self.random.unsigned(in: 1...0xFFFF_FFFF) * 8
            )
            let receives = self.features.sharesReceives ? SharedReceives() : nil
            self.machines.append(SimulatedMachine(arena: arena, receives: receives))
        }
        self.makeLinks()
        let connectionCount = self.random.pick([1, 1, 2, 3, 5, 8])
        for _ in 0..<connectionCount {
            let first = self.random.number(in: 0...(machineCount - 1))
            // Also to itself, now and then.
            let second =
                self.random.chance(5) ? first : (first + self.random.number(in: 1...(machineCount - 1))) % machineCount
            self.addConnection(first, second, messagesMax: 150 / ((connectionCount + 1) / 2))
        }
        self.planFaults()
    }

    func log(_ text: @autoclosure () -> String) {
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
                guard self.now < self.endAt else { throw Violation("no end long after the faults have stopped") }
                self.summary.stepCount += 1
                try self.step()
            }
            try self.checkEnd()
        } catch {
            throw SimulationFailure(
                seed: self.seed,
                part: "rc",
                nanoseconds: self.now.nanoseconds,
                message: error.message
            )
        }
    }

    private mutating func checkEnd() throws(Violation) {
        for index in self.endpoints.indices {
            try self.endpoints[index].checkEnd(peer: self.endpoints[index ^ 1])
        }
        for index in self.endpoints.indices where self.features.isClean {
            try self.endpoints[index].checkCleanNetwork(peer: self.endpoints[index ^ 1])
        }
        for endpoint in self.endpoints { self.summary.add(endpoint) }
        if self.machines.contains(where: { $0.receives?.emptyCount ?? 0 > 0 }) {
            self.summary.reach("shared receive queue empty")
        }
        if self.machines.contains(where: { $0.arena.contendedCount > 0 }) { self.summary.reach("contended atomics") }
    }

    /// The next event or timeout, whichever is earlier.
    private mutating func step() throws(Violation) {
        var timeout: (time: Timestamp, index: Int)?
        for index in self.endpoints.indices where self.isRunning(index) {
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
        try self.handle(event)
    }

    private func isRunning(_ index: Int) -> Bool {
        let endpoint = self.endpoints[index]
        guard !endpoint.isGone, case .running = self.machines[endpoint.machine].state else { return false }
        return true
    }

    /// Whether the host of an endpoint can act on an event now. If it is paused, the event waits for it.
    private mutating func takes(_ event: Event, at index: Int) -> Bool {
        let machine = self.endpoints[index].machine
        guard !self.endpoints[index].isGone else {
            if case .packet = event { self.summary.faults.unreceived += 1 }
            return false
        }
        guard case .paused = self.machines[machine].state else { return true }
        if case .packet = event, self.machines[machine].held.count >= SimulatedMachine.heldMax {
            self.summary.faults.unreceived += 1
            self.summary.reach("packets for a paused host dropped")
        } else {
            self.machines[machine].held.append(event)
        }
        return false
    }

    private mutating func handle(_ event: Event) throws(Violation) {
        switch event {
        case .packet(let index, let packet):
            if self.takes(event, at: index) { try self.receive(packet, at: index) }
        case .transmit(let index):
            guard self.takes(event, at: index) else { return }
            self.endpoints[index].isTransmitPlanned = false
            try self.transmit(index)
        case .postReceives(let index):
            if self.takes(event, at: index) { self.postReceives(index) }
        case .resume(let index):
            guard self.takes(event, at: index) else { return }
            self.endpoints[index].resume()
            try self.transmit(index)
        case .abort(let index):
            guard self.takes(event, at: index) else { return }
            self.endpoints[index].requester.enterError()
            try self.transmit(index)
        case .pause, .wake, .die, .rise, .cut, .mend, .calm:
            self.handleFault(event)
        }
    }

    private mutating func postReceives(_ index: Int) {
        let endpoint = self.endpoints[index]
        // As many as all messages together need, or some more.
        if let shared = endpoint.host.sharedReceives {
            let users = self.endpoints.indices.filter { self.endpoints[$0].host.sharedReceives === shared }
            let neededCount = users.reduce(0) { $0 + self.endpoints[$1 ^ 1].workload.receivedMessages.count }
            guard shared.startedCount + shared.count < neededCount else { return }
            shared.count += self.random.number(in: 1...endpoint.parameters.receiveBatchMax)
        } else {
            let neededCount = self.endpoints[index ^ 1].workload.receivedMessages.count
            guard endpoint.host.startedReceiveCount + endpoint.host.receiveCount < neededCount else { return }
            endpoint.host.receiveCount += self.random.number(in: 1...endpoint.parameters.receiveBatchMax)
        }
        let gap = self.random.unsigned(in: 1...endpoint.parameters.receiveGapNanoseconds)
        self.events.add(.postReceives(endpoint: index), at: self.now.advanced(byNanoseconds: gap))
    }

    mutating func planTransmit(_ index: Int, after nanoseconds: UInt64) {
        guard !self.endpoints[index].isTransmitPlanned else { return }
        self.endpoints[index].isTransmitPlanned = true
        self.events.add(.transmit(endpoint: index), at: self.now.advanced(byNanoseconds: nanoseconds))
    }
}
