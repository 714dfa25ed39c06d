import Transport
import Wire

// MARK: - Hosts, links and connections

extension RCSimulation {
    mutating func makeLinks() {
        let count = self.machines.count
        // Some networks are IPv4, whose identification makes the check of the ICRC a little weaker.
        let isIPv4 = self.random.chance(50)
        func address(_ machine: Int) -> GID {
            isIPv4
                ? GID(prefix: 0, interfaceID: 0x0000_FFFF_0A00_0001 + UInt64(machine))
                : GID(prefix: 0xFD00 << 48, interfaceID: 1 + UInt64(machine))
        }
        for from in 0..<count {
            for to in 0..<count {
                let isBack = !self.features.isAsymmetric && to < from
                self.links.append(
                    isBack ? self.links[to * count + from] : FaultyLink(self.features, using: &self.random)
                )
                self.paths.append(ICRCPath(source: address(from), destination: address(to), sourcePort: 4791))
            }
        }
    }

    /// Connects queue pairs of two hosts.
    mutating func addConnection(_ firstMachine: Int, _ secondMachine: Int, messagesMax: Int) {
        let parameters = RCParameters(self.features, messagesMax: messagesMax, using: &self.random)
        // Close below the wrap, so that most runs cross it, or anywhere.
        let psns = (0..<2).map { _ in
            let isNearWrap = self.random.chance(70)
            return PSN(truncating: UInt32(self.random.number(in: isNearWrap ? 0xFF_FFC0...0xFF_FFFF : 0...0xFF_FFFF)))
        }
        let keys = (0..<2).map { _ in UInt32(truncatingIfNeeded: self.random.next()) }
        let addresses = (0..<2).map { _ in self.random.unsigned(in: 1...0xFFFF_FFFF) * 8 }
        // Captured by both loops: the second endpoint needs the workload of the first, and the other way round.
        let first = self.workload(parameters, peer: secondMachine, peerKey: keys[1], peerAddress: addresses[1])
        let second = self.workload(parameters, peer: firstMachine, peerKey: keys[0], peerAddress: addresses[0])
        let (firstFault, secondFault) = self.faults(first: first, second: second)
        let firstHost = self.host(firstMachine, keys[0], addresses[0], incoming: second, fault: firstFault)
        let secondHost = self.host(secondMachine, keys[1], addresses[1], incoming: first, fault: secondFault)
        let patience = 4 * parameters.requester.ackTimeoutNanoseconds * (UInt64(parameters.requester.retryCount) + 2)
        let endAt = max(self.now, self.calmAt).advanced(byNanoseconds: Self.livenessNanoseconds + patience)
        self.endAt = max(self.endAt, endAt)
        let index = self.endpoints.count
        self.add("A\(index / 2)", firstMachine, parameters, firstHost, first, firstFault, psns[0], psns[1])
        self.add("B\(index / 2)", secondMachine, parameters, secondHost, second, secondFault, psns[1], psns[0])
    }

    private mutating func add(
        _ name: String,
        _ machine: Int,
        _ parameters: RCParameters,
        _ host: consuming SimulatedHost,
        _ workload: consuming Workload,
        _ fault: InjectedFault,
        _ firstPSN: PSN,
        _ expectedPSN: PSN
    ) {
        let index = self.endpoints.count
        self.endpoints.append(
            RCEndpoint(
                name: name,
                machine: machine,
                mayLosePeer: self.features.isImpatient,
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
        if fault != .none { self.summary.faults.programFaults += 1 }
        if case .abort(let nanoseconds) = fault {
            self.events.add(.abort(endpoint: index), at: self.now.advanced(byNanoseconds: nanoseconds))
        }
        self.log("\(name) on \(machine): \(fault) \(parameters)")
    }

    private mutating func workload(
        _ parameters: RCParameters,
        peer: Int,
        peerKey: UInt32,
        peerAddress: UInt64
    ) -> Workload {
        let arena = self.machines[peer].arena
        return Workload(
            messageCount: parameters.messageCount,
            mtu: Int(parameters.requester.pathMTU.byteCount),
            packetsMax: parameters.packetsMax,
            peerKey: peerKey,
            peerAddress: peerAddress,
            peerArena: self.features.sharesAtomics ? (arena.rKey, arena.address) : nil,
            isReliable: true,
            using: &self.random
        )
    }

    /// The host that `incoming` works on.
    private func host(
        _ machine: Int,
        _ rKey: UInt32,
        _ address: UInt64,
        incoming: borrowing Workload,
        fault: InjectedFault
    ) -> SimulatedHost {
        var host = SimulatedHost(
            rKey: rKey,
            address: address,
            byteCount: incoming.shadow.byteCount,
            receiveByteCountMax: incoming.byteCountMax
        )
        host.arena = self.machines[machine].arena
        host.sharedReceives = self.machines[machine].receives
        incoming.fillInitial(&host.memory)
        host.windowKeys = incoming.windowKeys
        if case .shortReceive(let ordinal) = fault { host.shortReceiveOrdinal = ordinal }
        return host
    }
}

// MARK: - Faults of programs

extension RCSimulation {
    /// Some connections have a fault, on one side.
    private mutating func faults(
        first: borrowing Workload,
        second: borrowing Workload
    ) -> (InjectedFault, InjectedFault) {
        guard self.features.breaksPrograms, self.random.chance(70) else { return (.none, .none) }
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
        case 1 where operation.isLocal:
            return .failedLocal(index: index)
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
}
