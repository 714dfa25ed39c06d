/// A posted request and its place in the packet sequence.
struct SendSlot: BitwiseCopyable, Sendable {
    var request: SendRequest
    /// The position of its first packet. For READs, of its first answer.
    var start: SequencePosition
    /// The position behind its last packet; equal to `start` when it sends none.
    var end: SequencePosition
    /// Anything but `success` stops transmission here, and fails the queue pair when all before is done.
    var status: CompletionStatus
    /// Whether a local operation ran. Always `false` for others.
    var isExecuted = false

    var packetCount: UInt32 { self.end.count(since: self.start) }
}
