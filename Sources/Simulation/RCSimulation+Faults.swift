import Transport

// MARK: - Faults of hosts and links

extension RCSimulation {
    mutating func planFaults() {
        self.events.add(.calm, at: self.calmAt)
        if self.features.pausesHosts {
            for _ in 0..<self.random.number(in: 1...6) {
                self.events.add(.pause(machine: self.drawMachine()), at: self.drawTime())
            }
        }
        if self.features.killsHosts {
            for _ in 0..<self.random.number(in: 1...3) {
                self.events.add(.die(machine: self.drawMachine()), at: self.drawTime())
            }
        }
        if self.features.cutsLinks {
            for _ in 0..<self.random.number(in: 1...6) {
                let link = self.random.number(in: 0...(self.links.count - 1))
                let time = self.drawTime()
                self.events.add(.cut(link: link), at: time)
                // Often both ways; else one host hears the other, which does not hear it.
                if self.random.chance(60) { self.events.add(.cut(link: self.backLink(link)), at: time) }
            }
        }
    }

    private mutating func drawMachine() -> Int { self.random.number(in: 0...(self.machines.count - 1)) }

    /// Early in the safety phase more often than late, for by then most workloads are done.
    private mutating func drawTime() -> Timestamp {
        let phase = self.calmAt.nanoseconds - 1_000
        return Timestamp(
            nanoseconds: 1_000
                + self.random.unsigned(in: 0...min(phase, self.random.pick([200_000, 2_000_000, phase])))
        )
    }

    private func backLink(_ link: Int) -> Int {
        (link % self.machines.count) * self.machines.count + link / self.machines.count
    }

    mutating func handleFault(_ event: Event) {
        switch event {
        case .pause(let machine): self.pause(machine)
        case .wake(let machine, let life):
            if self.machines[machine].life == life { self.wake(machine) }
        case .die(let machine): self.kill(machine)
        case .rise(let machine): self.raise(machine)
        case .cut(let link):
            guard !self.isCalm else { return }
            self.log("link \(link) is cut")
            self.links[link].isCut = true
            self.summary.faults.cuts += 1
            let pause = self.random.pick([20_000, 300_000, 3_000_000] as [UInt64])
            self.events.add(
                .mend(link: link),
                at: self.now.advanced(byNanoseconds: self.random.unsigned(in: 1...pause))
            )
        case .mend(let link): self.links[link].isCut = false
        case .calm: self.calm()
        case .packet, .transmit, .postReceives, .resume, .abort: preconditionFailure("no fault")
        }
    }

    /// The faults stop: whoever waits for something must get it soon.
    private mutating func calm() {
        self.log("calm")
        self.isCalm = true
        for link in self.links.indices {
            self.links[link].isCut = false
            self.links[link].isCalm = true
        }
        for machine in self.machines.indices {
            self.wake(machine)
            self.raise(machine)
        }
    }

    private mutating func pause(_ machine: Int) {
        guard !self.isCalm, case .running = self.machines[machine].state else { return }
        self.log("host \(machine) pauses")
        self.machines[machine].state = .paused
        self.summary.faults.pauses += 1
        let pause = self.random.pick([20_000, 300_000, 3_000_000] as [UInt64])
        let time = self.now.advanced(byNanoseconds: self.random.unsigned(in: 1...pause))
        self.events.add(.wake(machine: machine, life: self.machines[machine].life), at: time)
    }

    /// What has waited for a paused host happens now, in its order.
    private mutating func wake(_ machine: Int) {
        guard case .paused = self.machines[machine].state else { return }
        self.log("host \(machine) wakes")
        self.machines[machine].state = .running
        let held = self.machines[machine].held
        self.machines[machine].held = []
        for event in held { self.events.add(event, at: self.now) }
    }

    private mutating func kill(_ machine: Int) {
        guard !self.isCalm else { return }
        if case .dead = self.machines[machine].state { return }
        self.log("host \(machine) dies")
        self.machines[machine].state = .dead
        self.machines[machine].held = []
        self.machines[machine].life += 1
        self.summary.faults.deaths += 1
        for index in self.endpoints.indices where self.endpoints[index].machine == machine {
            if !self.endpoints[index].isDone { self.summary.reach("host died with requests outstanding") }
            self.endpoints[index].isGone = true
            self.endpoints[index ^ 1].mayLosePeer = true
        }
        let time = self.now.advanced(byNanoseconds: self.random.unsigned(in: 1_000...3_000_000))
        self.events.add(.rise(machine: machine), at: time)
    }

    /// A host comes back without its queue pairs. Its program connects anew to those that it was connected to, whose
    /// programs learn by that that the old connection is no more.
    private mutating func raise(_ machine: Int) {
        guard case .dead = self.machines[machine].state else { return }
        self.log("host \(machine) is back")
        self.machines[machine].state = .running
        for index in self.endpoints.indices where self.endpoints[index].machine == machine {
            let peer = self.endpoints[index ^ 1]
            guard self.endpoints[index].isGone, !peer.isGone, !peer.isGivenUp else { continue }
            peer.isGivenUp = true
            if !peer.requester.isInError { self.summary.reach("survivor learnt of the death by the new connection") }
            self.events.add(.abort(endpoint: index ^ 1), at: self.now)
            guard self.summary.faults.reconnections < Self.reconnectionMax else { continue }
            self.summary.faults.reconnections += 1
            self.addConnection(machine, peer.machine, messagesMax: 10)
        }
    }
}
