package import Wire

/// The responder half of a reliable connection (IBTA Volume 1, sections 9.7.4 and 9.7.5).
///
/// It takes requests in order, has the host execute each once, and answers. It performs no I/O; memory and receive
/// requests are the host's (`ResponderHost`):
///
/// - *Inputs*: `receive`, `failRead`, `enterError`.
/// - *Output*: `pollTransmit`, until `nil`, after a batch of inputs. Acknowledges are joined until it is polled.
///
/// Except for `init`, `reset` and `update`, nothing allocates.
package struct RCResponder: ~Copyable {
    /// The message that a packet that is not its last has begun.
    enum Message: BitwiseCopyable, Sendable {
        case none
        /// A SEND of which this much has arrived.
        case send(byteCount: UInt32)
        case write(WriteProgress)
    }

    /// What to say after all owed answers.
    struct PendingNAK: Sendable {
        var syndrome: AETHSyndrome
        var position: SequencePosition
    }

    var configuration: ResponderConfiguration
    /// What all packets have in common. Copying it is cheaper than building each header.
    let headerTemplate: PacketHeader
    /// The position of the next request.
    var expected: SequencePosition
    var message = Message.none
    /// Whether a receive request of the host is in work.
    var hasReceive = false
    /// Completed requests.
    var msn = MSN(truncating: 0)
    /// A gap, or a missing receive request, is reported once. What comes behind it stays silent until it closes.
    var hasReportedGap = false
    var isFailed = false

    var responses: ResponseQueue
    var atomics: AtomicHistory
    var isAckPending = false
    var pendingNAK: PendingNAK?
    /// The READ packet that was polled last, for `failRead`.
    var lastRead: (position: SequencePosition, isFresh: Bool)?
    package internal(set) var counters = ResponderCounters()
    package internal(set) var marks: TransportMarks = []

    /// - Parameter expectedPSN: the `rq_psn` of the queue pair.
    package init(expectedPSN: PSN, destQP: QPN, configuration: ResponderConfiguration) {
        let readsMax = configuration.readsMax
        precondition((0...RequesterConfiguration.readsLimit).contains(readsMax), "readsMax out of range")
        self.configuration = configuration
        self.headerTemplate = PacketHeader(
            bth: BTH(opcode: .rcAcknowledge, destQP: destQP, psn: expectedPSN),
            aeth: AETH(syndrome: .ack(credits: .unlimited))
        )
        self.expected = SequencePosition(startingAt: expectedPSN)
        self.responses = ResponseQueue(readsMax: readsMax)
        self.atomics = AtomicHistory(readsMax: readsMax)
    }
}

// MARK: - Life

extension RCResponder {
    /// Forgets everything and begins anew: a queue pair that went through RESET. A receive request in work is the
    /// host's to forget.
    package mutating func reset(expectedPSN: PSN, destQP: QPN, configuration: ResponderConfiguration) {
        self = RCResponder(expectedPSN: expectedPSN, destQP: destQP, configuration: configuration)
    }

    /// Takes over another RNR timer, and another number of READs and atomics, which may change while the connection lives.
    /// What is owed already stays owed.
    package mutating func update(rnrTimer: RNRTimer, readsMax: Int) {
        precondition((0...RequesterConfiguration.readsLimit).contains(readsMax), "readsMax out of range")
        self.configuration.rnrTimer = rnrTimer
        self.configuration.readsMax = readsMax
        self.responses.grow(readsMax: readsMax)
        self.atomics.grow(readsMax: readsMax)
    }

    /// The queue pair goes to the error state. A receive request in work completes as flushed. What a failure of the
    /// responder itself left to say can still be polled; otherwise nothing more is sent.
    package mutating func enterError<Host: ResponderHost & ~Copyable>(host: inout Host) {
        guard !self.isFailed else { return }
        self.isFailed = true
        self.responses.removeAll()
        self.isAckPending = false
        self.pendingNAK = nil
        self.abandonReceive(status: .flushed, host: &host)
    }

    package var isInError: Bool { self.isFailed }

    /// The PSN of the request that comes next.
    package var expectedPSN: PSN { self.expected.psn }

    /// Whether `pollTransmit` has something to say.
    package var hasOutput: Bool {
        self.responses.count > 0 || self.pendingNAK != nil || self.isAckPending
    }

    mutating func abandonReceive<Host: ResponderHost & ~Copyable>(status: CompletionStatus, host: inout Host) {
        guard self.hasReceive else { return }
        self.hasReceive = false
        self.marks.formUnion(.receiveAbandoned)
        host.completeReceive(ReceiveCompletion(failed: status))
    }
}
