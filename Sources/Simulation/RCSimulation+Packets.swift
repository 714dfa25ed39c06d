import Transport
import Wire

// MARK: - Packets

extension RCSimulation {
    mutating func receive(_ packet: SimulatedPacket, at index: Int) throws(Violation) {
        let endpoint = self.endpoints[index]
        let peer = self.endpoints[index ^ 1]
        let header = packet.header
        self.log("\(endpoint.name) < \(Self.text(packet))")
        self.machines[endpoint.machine].arena.now = self.now
        if packet.isMarked {
            endpoint.notifier.noteMark(now: self.now)
            if header.bth.opcode.isResponse { endpoint.requester.receiveCongestionMark() }
        }
        if header.bth.opcode == .cnp {
            endpoint.requester.receiveCongestionMark()
        } else if header.bth.opcode.isResponse {
            let action = endpoint.requester.receive(header, payloadByteCount: packet.payload.count, now: self.now)
            try endpoint.place(action, payload: packet.payload)
        } else {
            // SAFETY: bytes have no padding between them.
            let action = unsafe endpoint.responder.receive(
                header,
                payload: packet.payload.span.bytes,
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
    mutating func transmit(_ index: Int) throws(Violation) {
        let endpoint = self.endpoints[index]
        if endpoint.requester.outstandingCount == 0 || self.random.chance(40) {
            endpoint.post(count: self.random.number(in: 1...endpoint.parameters.capacity), now: self.now)
        }
        if endpoint.suspendedSince == nil, self.random.chance(endpoint.parameters.suspendPercent) {
            endpoint.suspend()
        }
        if let header = endpoint.notifier.pollTransmit() {
            let zeros = [UInt8](repeating: 0, count: CongestionNotifier.payloadByteCount)
            try self.send(SimulatedPacket(header: header, payload: zeros), from: index)
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
        try endpoint.checkCompletions(peer: self.endpoints[index ^ 1], now: self.now)
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
            try self.send(SimulatedPacket(header: packet.header, payload: payload), from: index)
            return true
        }
    }

    private mutating func sendResponse(_ index: Int) throws(Violation) -> Bool {
        let endpoint = self.endpoints[index]
        while let packet = endpoint.responder.pollTransmit(now: self.now) {
            if let payload = endpoint.gatherAnswer(packet.source) {
                try self.send(SimulatedPacket(header: packet.header, payload: payload), from: index)
                return true
            }
            if case .failed(let failure) = endpoint.responder.failRead() { endpoint.failure = failure }
        }
        return false
    }

    private mutating func send(_ packet: SimulatedPacket, from index: Int) throws(Violation) {
        let link = self.endpoints[index].machine * self.machines.count + self.endpoints[index ^ 1].machine
        let transfer = self.links[link].send(
            byteCount: packet.byteCount,
            at: self.now,
            counts: &self.summary.faults,
            using: &self.random
        )
        self.log("\(self.endpoints[index].name) > \(Self.text(packet))\(transfer.first == nil ? " LOST" : "")")
        self.summary.packetCount += 1
        if let first = transfer.first { try self.carry(packet, first, over: link, to: index ^ 1) }
        if let second = transfer.second { try self.carry(packet, second, over: link, to: index ^ 1) }
    }

    /// A packet is on its way, perhaps damaged. What the receiver's ICRC finds is lost.
    private mutating func carry(
        _ packet: SimulatedPacket,
        _ arrival: FaultyLink.Arrival,
        over link: Int,
        to index: Int
    ) throws(Violation) {
        var packet = packet
        if arrival.isCorrupted || self.features.encodesAll {
            let path = self.paths[link]
            var bytes = packet.encoded(over: path)
            if arrival.isCorrupted {
                SimulatedPacket.damage(&bytes, isCheckWhole: path.family == .ipv6, using: &self.random)
            }
            guard let received = SimulatedPacket(receiving: bytes, over: path) else {
                guard arrival.isCorrupted else { throw Violation("a packet was refused that nothing happened to") }
                self.summary.faults.corrupted += 1
                return
            }
            guard received.means(packet) else { throw Violation("a damaged packet was taken: \(packet), \(received)") }
            if arrival.isCorrupted { self.summary.faults.corruptedUnnoticed += 1 }
            packet = received
        }
        packet.isMarked = arrival.isMarked
        self.events.add(.packet(endpoint: index, packet), at: arrival.time)
    }

    private static func text(_ packet: SimulatedPacket) -> String {
        let header = packet.header
        var text = "opcode \(header.bth.opcode.rawValue) psn \(header.bth.psn.rawValue) bytes \(packet.payload.count)"
        if header.bth.isAckRequested { text += " A" }
        if header.bth.opcode.hasRETH { text += " dma \(header.reth.dmaByteCount)" }
        if header.bth.opcode.hasAETH { text += " \(header.aeth.syndrome)" }
        if packet.isMarked { text += " MARKED" }
        return text
    }
}
