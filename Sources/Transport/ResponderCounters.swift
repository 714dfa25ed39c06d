/// What happened to a responder. Each wraps.
package struct ResponderCounters: Hashable, Sendable {
    /// Requests that were executed before.
    package var duplicates: UInt64 = 0
    /// Requests that came before their turn, and on an unreliable connection the rest of a message with a gap.
    package var outOfSequence: UInt64 = 0
    /// Messages that found no receive request.
    package var receiverNotReady: UInt64 = 0
    /// Packets that are no requests of this connection, or duplicates of nothing.
    package var invalid: UInt64 = 0
    /// Messages of an unreliable connection of which a part was lost or refused.
    package var droppedMessages: UInt64 = 0

    package init() {}
}
