/// Rare transitions that a requester or responder has taken. The simulator prints which of them its seeds reached: what no
/// seed reaches is not tested by it.
package struct TransportMarks: OptionSet, Hashable, Sendable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    // MARK: Requester

    /// An answer to the first attempt arrived during a retry.
    package static var lateAnswer: TransportMarks { .init(rawValue: 1 << 0) }
    package static var sequenceNAKCopy: TransportMarks { .init(rawValue: 1 << 1) }
    package static var impliedNAKCopy: TransportMarks { .init(rawValue: 1 << 2) }
    package static var rnrNAKCopy: TransportMarks { .init(rawValue: 1 << 3) }
    package static var rnrWaitCutShort: TransportMarks { .init(rawValue: 1 << 4) }
    package static var retriesExhausted: TransportMarks { .init(rawValue: 1 << 5) }
    package static var rnrRetriesExhausted: TransportMarks { .init(rawValue: 1 << 6) }
    /// A READ was asked for again from the middle of a part on.
    package static var partResumed: TransportMarks { .init(rawValue: 1 << 7) }
    package static var partShrunk: TransportMarks { .init(rawValue: 1 << 8) }
    package static var partGrown: TransportMarks { .init(rawValue: 1 << 9) }
    /// More was under way than the shrunken window allows, and nothing of it was to be acknowledged.
    package static var windowShrunkBelowFlight: TransportMarks { .init(rawValue: 1 << 10) }
    package static var timeoutBackedOff: TransportMarks { .init(rawValue: 1 << 11) }
    /// The memory of a request was found bad after its last answer.
    package static var doneRequestPoisoned: TransportMarks { .init(rawValue: 1 << 12) }
    package static var suspendedDuringRetry: TransportMarks { .init(rawValue: 1 << 13) }
    package static var localOperationFailed: TransportMarks { .init(rawValue: 1 << 14) }
    /// The PSN of what is acknowledged went from 0xFFFFFF to 0.
    package static var psnWrapped: TransportMarks { .init(rawValue: 1 << 15) }
    package static var fatalNAK: TransportMarks { .init(rawValue: 1 << 16) }
    package static var probed: TransportMarks { .init(rawValue: 1 << 17) }

    // MARK: Responder

    /// A NAK was taken back because the gap closed before it was sent.
    package static var nakWithdrawn: TransportMarks { .init(rawValue: 1 << 32) }
    package static var gapKeptSilent: TransportMarks { .init(rawValue: 1 << 33) }
    package static var receiverNotReady: TransportMarks { .init(rawValue: 1 << 34) }
    package static var duplicateReadAnswered: TransportMarks { .init(rawValue: 1 << 35) }
    /// The answer to a repeated READ was still to come anyway.
    package static var duplicateReadStillOwed: TransportMarks { .init(rawValue: 1 << 36) }
    package static var duplicateReadsTooMany: TransportMarks { .init(rawValue: 1 << 37) }
    package static var duplicateReadRefused: TransportMarks { .init(rawValue: 1 << 38) }
    package static var owedAnswerReplaced: TransportMarks { .init(rawValue: 1 << 39) }
    package static var duplicateAtomicAnswered: TransportMarks { .init(rawValue: 1 << 40) }
    package static var duplicateAtomicForgotten: TransportMarks { .init(rawValue: 1 << 41) }
    package static var freshReadMemoryLost: TransportMarks { .init(rawValue: 1 << 42) }
    package static var repeatedReadMemoryLost: TransportMarks { .init(rawValue: 1 << 43) }
    package static var accessRefused: TransportMarks { .init(rawValue: 1 << 44) }
    package static var messageTooLong: TransportMarks { .init(rawValue: 1 << 45) }
    /// A receive request was in work when the queue pair failed.
    package static var receiveAbandoned: TransportMarks { .init(rawValue: 1 << 46) }
}

extension TransportMarks {
    /// All of them, with their names.
    package static var names: [(mark: TransportMarks, name: String)] {
        [
            (.lateAnswer, "late answer during a retry"),
            (.sequenceNAKCopy, "copy of a sequence NAK"),
            (.impliedNAKCopy, "second sign of one lost answer"),
            (.rnrNAKCopy, "copy of an RNR NAK"),
            (.rnrWaitCutShort, "RNR wait cut short"),
            (.retriesExhausted, "retries exhausted"),
            (.rnrRetriesExhausted, "RNR retries exhausted"),
            (.partResumed, "READ resumed in mid-part"),
            (.partShrunk, "READ parts shrunk"),
            (.partGrown, "READ parts grown"),
            (.windowShrunkBelowFlight, "window shrunk below what is under way"),
            (.timeoutBackedOff, "timeout backed off"),
            (.doneRequestPoisoned, "memory bad at the last answer"),
            (.suspendedDuringRetry, "suspended during a retry"),
            (.localOperationFailed, "local operation failed"),
            (.psnWrapped, "PSN wrapped"),
            (.fatalNAK, "fatal NAK"),
            (.probed, "probed before the timeout"),
            (.nakWithdrawn, "NAK withdrawn"),
            (.gapKeptSilent, "gap kept silent"),
            (.receiverNotReady, "receiver not ready"),
            (.duplicateReadAnswered, "repeated READ answered"),
            (.duplicateReadStillOwed, "repeated READ still owed"),
            (.duplicateReadsTooMany, "repeated READs too many"),
            (.duplicateReadRefused, "repeated READ refused"),
            (.owedAnswerReplaced, "owed answer replaced"),
            (.duplicateAtomicAnswered, "repeated atomic answered"),
            (.duplicateAtomicForgotten, "repeated atomic forgotten"),
            (.freshReadMemoryLost, "READ memory lost"),
            (.repeatedReadMemoryLost, "memory of a repeated READ lost"),
            (.accessRefused, "access refused"),
            (.messageTooLong, "message too long"),
            (.receiveAbandoned, "receive abandoned"),
        ]
    }
}
