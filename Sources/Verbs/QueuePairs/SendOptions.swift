/// What shall be special about a send request. See ibv_post_send(3).
public struct SendOptions: OptionSet, Sendable, Hashable {
    /// The bits of `enum ibv_send_flags`.
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Begin when all READs and atomics before it have ended.
    @inlinable public static var fence: SendOptions { SendOptions(rawValue: 1 << 0) }
    /// Report the end of it. Failures are always reported. Of a queue that is never told, the places are never free again:
    /// signal at least one request of each ``QueueCapacity/sendCount``.
    @inlinable public static var signaled: SendOptions { SendOptions(rawValue: 1 << 1) }
    /// Wake a peer that waits for solicited messages only.
    @inlinable public static var solicited: SendOptions { SendOptions(rawValue: 1 << 2) }
    /// Copy the bytes now, so that the memory is free at once; at most ``QueueCapacity/inlineByteCount``.
    @inlinable public static var inline: SendOptions { SendOptions(rawValue: 1 << 3) }
}
