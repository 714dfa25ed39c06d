/// Which changes of a queue pair's state are legal, and which attributes each must and may name.
///
/// Specified in IBTA Volume 1, section 11.2.5.2; see also ibv_modify_qp(3). Linux's table is the same but for one row: it
/// lets a reliable connection leave the send error state, which the specification says it never enters. The rules do not
/// look at values, nor do they know what the adapter has built: resizing (`capabilities`) and rate limits are attributes
/// of no transition.
package struct QueuePairStateRules: Equatable, Sendable {
    /// Attributes that the caller must name.
    package let required: QueuePairAttributeMask
    /// Attributes that the caller may name besides. The state itself is always allowed.
    package let optional: QueuePairAttributeMask

    private init(_ required: QueuePairAttributeMask = [], optional: QueuePairAttributeMask = []) {
        self.required = required
        self.optional = optional
    }
}

// MARK: - Questions

extension QueuePairStateRules {
    /// Whether a call that names `mask` may move a queue pair of `type` from `current` to `next`.
    ///
    /// A call that names no state has `next` equal to `current`. That `currentState`, when named, is the true one is for
    /// the caller to check.
    package static func allow(
        _ type: QueuePairType,
        from current: QueuePairState,
        to next: QueuePairState,
        naming mask: QueuePairAttributeMask
    ) -> Bool {
        guard let rules = Self.transition(of: type, from: current, to: next) else { return false }
        return mask.isSuperset(of: rules.required)
            && mask.isSubset(of: rules.required.union(rules.optional).union(.state))
    }

    /// The rules of one transition, or `nil` when there is no such transition.
    package static func transition(
        of type: QueuePairType,
        from current: QueuePairState,
        to next: QueuePairState
    ) -> QueuePairStateRules? {
        switch (current, next) {
        case (_, .reset): QueuePairStateRules()
        case (.reset, .error): nil
        case (_, .error): QueuePairStateRules()
        case (.reset, .initialized): QueuePairStateRules(Self.initialAttributes(of: type))
        case (.initialized, .initialized): QueuePairStateRules(optional: Self.initialAttributes(of: type))
        case (.initialized, .readyToReceive): Self.readyToReceive(type)
        case (.readyToReceive, .readyToSend):
            QueuePairStateRules(Self.sendAttributes(of: type), optional: Self.runningAttributes(of: type))
        case (.readyToSend, .readyToSend), (.sendDrained, .readyToSend):
            QueuePairStateRules(optional: Self.runningAttributes(of: type))
        case (.readyToSend, .sendDrained): QueuePairStateRules(optional: .enablesDrainedEvent)
        case (.sendDrained, .sendDrained): QueuePairStateRules(optional: Self.drainedAttributes(of: type))
        case (.sendError, .readyToSend): Self.recovery(type)
        default: nil
        }
    }
}

// MARK: - Attributes

extension QueuePairType {
    /// Attributes of the other half of an extended connection, which ibv_modify_qp(3) takes and passes over as Linux does:
    /// programs that connect both halves name them for both.
    internal var ignoredAttributes: QueuePairAttributeMask {
        switch self {
        case .extendedSend: [.readsMaxDestination, .rnrTimer]
        case .extendedReceive: [.readsMax, .retryCount, .rnrRetryCount]
        case .reliable, .unreliableConnected, .datagram: []
        }
    }
}

extension QueuePairStateRules {
    private static func initialAttributes(of type: QueuePairType) -> QueuePairAttributeMask {
        switch type {
        case .datagram: [.pKeyIndex, .port, .qKey]
        case .reliable, .unreliableConnected, .extendedSend, .extendedReceive: [.pKeyIndex, .port, .access]
        }
    }

    private static func readyToReceive(_ type: QueuePairType) -> QueuePairStateRules {
        let peer: QueuePairAttributeMask = [.addressVector, .pathMTU, .destinationQP, .receivePSN]
        let optional: QueuePairAttributeMask = [.alternatePath, .access, .pKeyIndex]
        switch type {
        case .datagram:
            return QueuePairStateRules(optional: [.pKeyIndex, .qKey])
        case .unreliableConnected, .extendedSend:
            return QueuePairStateRules(peer, optional: optional)
        case .reliable, .extendedReceive:
            return QueuePairStateRules(peer.union([.readsMaxDestination, .rnrTimer]), optional: optional)
        }
    }

    /// What a queue pair needs before it sends.
    private static func sendAttributes(of type: QueuePairType) -> QueuePairAttributeMask {
        switch type {
        case .datagram, .unreliableConnected: .sendPSN
        case .reliable, .extendedSend: [.timeout, .retryCount, .rnrRetryCount, .sendPSN, .readsMax]
        case .extendedReceive: [.timeout, .sendPSN]
        }
    }

    /// What may change while a queue pair works, or as it begins to send.
    private static func runningAttributes(of type: QueuePairType) -> QueuePairAttributeMask {
        let connected: QueuePairAttributeMask = [.currentState, .alternatePath, .access, .pathMigrationState]
        switch type {
        case .datagram: return [.currentState, .qKey]
        case .unreliableConnected, .extendedSend: return connected
        case .reliable, .extendedReceive: return connected.union(.rnrTimer)
        }
    }

    /// What may change while the send queue is drained.
    private static func drainedAttributes(of type: QueuePairType) -> QueuePairAttributeMask {
        let connected: QueuePairAttributeMask = [
            .addressVector, .alternatePath, .access, .pKeyIndex, .pathMigrationState,
        ]
        let initiator: QueuePairAttributeMask = [.port, .timeout, .retryCount, .rnrRetryCount, .readsMax]
        let target: QueuePairAttributeMask = [.port, .timeout, .readsMaxDestination, .rnrTimer]
        switch type {
        case .datagram: return [.pKeyIndex, .qKey]
        case .unreliableConnected: return connected
        case .reliable: return connected.union(initiator).union(target)
        case .extendedSend: return connected.union(initiator)
        case .extendedReceive: return connected.union(target)
        }
    }

    /// From the send error state back to work. A reliable connection's errors are final.
    private static func recovery(_ type: QueuePairType) -> QueuePairStateRules? {
        switch type {
        case .datagram: QueuePairStateRules(optional: [.currentState, .qKey])
        case .unreliableConnected: QueuePairStateRules(optional: [.currentState, .access])
        case .reliable, .extendedSend, .extendedReceive: nil
        }
    }
}
