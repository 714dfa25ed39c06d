internal import CVerbs

/// What shall be special about a send request. See ibv_post_send(3).
public struct SendOptions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(_ flag: ibv_send_flags) {
        self.init(rawValue: flag.rawValue)
    }

    /// Report the end of it. Failures are always reported. Of a queue that is never told, the places are never free again:
    /// signal at least one request of each ``QueueCapacity/sendCount``.
    public static var signaled: SendOptions { SendOptions(IBV_SEND_SIGNALED) }
    /// Wake a peer that waits for solicited messages only.
    public static var solicited: SendOptions { SendOptions(IBV_SEND_SOLICITED) }
    /// Begin when all READs and atomics before it have ended.
    public static var fence: SendOptions { SendOptions(IBV_SEND_FENCE) }
    /// Copy the bytes now, so that the memory is free at once; at most ``QueueCapacity/inlineByteCount``.
    public static var inline: SendOptions { SendOptions(IBV_SEND_INLINE) }
}
