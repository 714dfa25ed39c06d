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
    /// What tells the rules of one queue pair from another's. Raw values are those of `ibv_qp_type`.
    package enum Kind: UInt32, CaseIterable, Sendable {
        case reliable = 2
        case unreliableConnected = 3
        case datagram = 4
        /// The initiator's half of an extended reliable connection: it sends only.
        case extendedSend = 9
        /// The target's half of an extended reliable connection: it receives only.
        case extendedReceive = 10

        package init(_ type: QueuePairType) {
            switch type {
            case .reliable: self = .reliable
            case .unreliableConnected: self = .unreliableConnected
            case .datagram: self = .datagram
            }
        }
    }

    /// Whether a call that names `mask` may move a queue pair of `kind` from `current` to `next`.
    ///
    /// A call that names no state has `next` equal to `current`. That `currentState`, when named, is the true one is for
    /// the caller to check.
    package static func allow(
        _ kind: Kind,
        from current: QueuePairState,
        to next: QueuePairState,
        naming mask: QueuePairAttributeMask
    ) -> Bool {
        guard let rules = Self.transition(of: kind, from: current, to: next) else { return false }
        return mask.isSuperset(of: rules.required)
            && mask.isSubset(of: rules.required.union(rules.optional).union(.state))
    }

    /// Whether a call that names `mask` may move a queue pair of `type` from `current` to `next`.
    package static func allow(
        _ type: QueuePairType,
        from current: QueuePairState,
        to next: QueuePairState,
        naming mask: QueuePairAttributeMask
    ) -> Bool {
        Self.allow(Kind(type), from: current, to: next, naming: mask)
    }

    /// The rules of one transition, or `nil` when there is no such transition.
    package static func transition(
        of kind: Kind,
        from current: QueuePairState,
        to next: QueuePairState
    ) -> QueuePairStateRules? {
        switch (current, next) {
        case (_, .reset): QueuePairStateRules()
        case (.reset, .error): nil
        case (_, .error): QueuePairStateRules()
        case (.reset, .initialized): QueuePairStateRules(Self.initialAttributes(of: kind))
        case (.initialized, .initialized): QueuePairStateRules(optional: Self.initialAttributes(of: kind))
        case (.initialized, .readyToReceive): Self.readyToReceive(kind)
        case (.readyToReceive, .readyToSend):
            QueuePairStateRules(Self.sendAttributes(of: kind), optional: Self.runningAttributes(of: kind))
        case (.readyToSend, .readyToSend), (.sendDrained, .readyToSend):
            QueuePairStateRules(optional: Self.runningAttributes(of: kind))
        case (.readyToSend, .sendDrained): QueuePairStateRules(optional: .enablesDrainedEvent)
        case (.sendDrained, .sendDrained): QueuePairStateRules(optional: Self.drainedAttributes(of: kind))
        case (.sendError, .readyToSend): Self.recovery(kind)
        default: nil
        }
    }
}

// MARK: - Attributes

extension QueuePairStateRules {
    private static func initialAttributes(of kind: Kind) -> QueuePairAttributeMask {
        switch kind {
        case .datagram: [.pKeyIndex, .port, .qKey]
        case .reliable, .unreliableConnected, .extendedSend, .extendedReceive: [.pKeyIndex, .port, .access]
        }
    }

    private static func readyToReceive(_ kind: Kind) -> QueuePairStateRules {
        let peer: QueuePairAttributeMask = [.addressVector, .pathMTU, .destinationQP, .receivePSN]
        let optional: QueuePairAttributeMask = [.alternatePath, .access, .pKeyIndex]
        switch kind {
        case .datagram:
            return QueuePairStateRules(optional: [.pKeyIndex, .qKey])
        case .unreliableConnected, .extendedSend:
            return QueuePairStateRules(peer, optional: optional)
        case .reliable, .extendedReceive:
            return QueuePairStateRules(peer.union([.readsMaxDestination, .rnrTimer]), optional: optional)
        }
    }

    /// What a queue pair needs before it sends.
    private static func sendAttributes(of kind: Kind) -> QueuePairAttributeMask {
        switch kind {
        case .datagram, .unreliableConnected: .sendPSN
        case .reliable, .extendedSend: [.timeout, .retryCount, .rnrRetryCount, .sendPSN, .readsMax]
        case .extendedReceive: [.timeout, .sendPSN]
        }
    }

    /// What may change while a queue pair works, or as it begins to send.
    private static func runningAttributes(of kind: Kind) -> QueuePairAttributeMask {
        let connected: QueuePairAttributeMask = [.currentState, .alternatePath, .access, .pathMigrationState]
        switch kind {
        case .datagram: return [.currentState, .qKey]
        case .unreliableConnected, .extendedSend: return connected
        case .reliable, .extendedReceive: return connected.union(.rnrTimer)
        }
    }

    /// What may change while the send queue is drained.
    private static func drainedAttributes(of kind: Kind) -> QueuePairAttributeMask {
        let connected: QueuePairAttributeMask = [
            .addressVector, .alternatePath, .access, .pKeyIndex, .pathMigrationState,
        ]
        let initiator: QueuePairAttributeMask = [.port, .timeout, .retryCount, .rnrRetryCount, .readsMax]
        let target: QueuePairAttributeMask = [.port, .timeout, .readsMaxDestination, .rnrTimer]
        switch kind {
        case .datagram: return [.pKeyIndex, .qKey]
        case .unreliableConnected: return connected
        case .reliable: return connected.union(initiator).union(target)
        case .extendedSend: return connected.union(initiator)
        case .extendedReceive: return connected.union(target)
        }
    }

    /// From the send error state back to work. A reliable connection's errors are final.
    private static func recovery(_ kind: Kind) -> QueuePairStateRules? {
        switch kind {
        case .datagram: QueuePairStateRules(optional: [.currentState, .qKey])
        case .unreliableConnected: QueuePairStateRules(optional: [.currentState, .access])
        case .reliable, .extendedSend, .extendedReceive: nil
        }
    }
}
