import Transport

/// A link of little bandwidth, with a queue in front that drops what it has no room for and, if it is that kind, marks
/// packets from a third of its room on.
struct NarrowQueue: Sendable {
    let nanosecondsPerByte: UInt64
    /// The longest that a packet waits: the room of the queue, as time.
    let limitNanoseconds: UInt64
    let isMarking: Bool
    private var busyUntil = Timestamp(nanoseconds: 0)

    init(nanosecondsPerByte: UInt64, limitNanoseconds: UInt64, isMarking: Bool) {
        self.nanosecondsPerByte = nanosecondsPerByte
        self.limitNanoseconds = limitNanoseconds
        self.isMarking = isMarking
    }

    /// When a packet that comes now leaves on the other side, and whether it is marked; `nil` when there is no room.
    mutating func enter(byteCount: Int, at now: Timestamp) -> (time: Timestamp, isMarked: Bool)? {
        let start = max(now, self.busyUntil)
        let waitNanoseconds = start.nanoseconds - now.nanoseconds
        guard waitNanoseconds <= self.limitNanoseconds else { return nil }
        self.busyUntil = start.advanced(byNanoseconds: UInt64(byteCount) * self.nanosecondsPerByte)
        return (self.busyUntil, self.isMarking && waitNanoseconds > self.limitNanoseconds / 3)
    }
}
