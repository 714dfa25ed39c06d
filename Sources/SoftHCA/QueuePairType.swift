/// The transport service of a queue pair. Raw values are those of `ibv_qp_type`; see ibv_create_qp(3).
package enum QueuePairType: UInt32, CaseIterable, Sendable {
    case reliable = 2
    case unreliableConnected = 3
    case datagram = 4
    /// The initiator's half of an extended reliable connection: it sends only.
    case extendedSend = 9
    /// The target's half of an extended reliable connection: it receives only, for the queue that each request names.
    case extendedReceive = 10

    /// Whether packets carry a queue number, and the queue pair has no receive queue (IBTA Volume 1, Annex A14).
    package var isExtended: Bool {
        switch self {
        case .extendedSend, .extendedReceive: true
        case .reliable, .unreliableConnected, .datagram: false
        }
    }

    /// Whether a connection to a process of this host needs no packets. A datagram chooses for itself.
    package var mayBeDirect: Bool {
        switch self {
        case .reliable, .unreliableConnected: true
        case .datagram, .extendedSend, .extendedReceive: false
        }
    }

    /// Whether requests are acknowledged.
    package var isReliable: Bool {
        switch self {
        case .reliable, .extendedSend, .extendedReceive: true
        case .unreliableConnected, .datagram: false
        }
    }
}
