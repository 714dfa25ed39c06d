internal import HostRegistry
internal import Segment
internal import SystemIO
internal import Wire

/// What a queue pair takes from others when it is made: all of it, or nothing.
internal struct QueuePairHoldings {
    internal let receiveRing: ReceiveRing?
    internal let qpn: QPN
    internal let entry: QueuePairEntry

    /// - Throws: `ENOMEM`, and `EINVAL` when an object is closed. Nothing is taken then.
    internal init(
        _ properties: QueuePairInit,
        granted: QueuePairCapabilities,
        domain: ProtectionDomain
    ) throws(Errno) {
        let engine = domain.context.engine
        var undo: [() -> Void] = []
        do throws(Errno) {
            try domain.users.begin()
            undo.append { domain.users.end() }
            for queue in [properties.sendQueue, properties.receiveQueue] {
                try queue.users.begin()
                undo.append { queue.users.end() }
            }
            if let xrcDomain = properties.xrcDomain {
                try xrcDomain.users.begin()
                undo.append { xrcDomain.users.end() }
            }
            if properties.type.isExtended {
                self.receiveRing = nil
            } else if let shared = properties.sharedReceiveQueue {
                try shared.users.begin()
                undo.append { shared.users.end() }
                self.receiveRing = nil
            } else {
                let ring = try ReceiveRing(
                    in: engine.segment,
                    capacity: Int(granted.receiveRequests),
                    scatterMax: Int(granted.receiveScatter)
                )
                undo.append { ring.close(in: engine.segment) }
                self.receiveRing = ring
            }
            let qpn = try engine.membership.allocateQPN()
            undo.append { engine.membership.releaseQPN(qpn) }
            self.qpn = qpn
            self.entry = try engine.segment.queuePairs.allocate(number: qpn.rawValue)
        } catch {
            for step in undo.reversed() { step() }
            throw error
        }
    }
}
