internal import Segment
internal import SystemIO

/// The largest counts and sizes that the adapter takes. `DeviceAttributes` reports them; asking for more is an error.
package enum Limits {
    package static var memoryRegions: Int { 1 << 20 }
    /// A little less than the numbers of a block, some of which are reserved.
    package static var queuePairs: Int { SegmentLayout.queuePairCount - 16 }
    package static var completionQueues: Int { 1 << 14 }
    package static var sharedReceiveQueues: Int { 4096 }
    /// Completions in one queue.
    package static var completions: Int { 1 << 20 }
    /// Work requests in one queue.
    package static var workRequests: Int { 32768 }
    /// Elements of one scatter or gather list.
    package static var scatterElements: Int { 32 }
    package static var inlineByteCount: Int { 512 }
    /// READs and atomics of one queue pair under way at a time, in either direction.
    package static var reads: Int { 128 }
    /// One allocation of device memory; less where the segment is smaller.
    package static var deviceMemoryByteCount: Int { 64 << 20 }
    /// The longest message, in bytes.
    package static var messageByteCount: Int { 1 << 31 }
    /// Entries of one GID table.
    package static var gids: Int { 256 }
    /// Asynchronous events that wait to be fetched; later ones are lost.
    package static var pendingAsyncEvents: Int { 1 << 16 }
    /// Multicast groups of one queue pair.
    package static var multicastGroupsOfQueuePair: Int { 256 }
    /// Multicast groups that the kernel lets one socket join over IPv4, and so one process.
    package static var multicastGroups: Int { TextFile.number(in: "/proc/sys/net/ipv4/igmp_max_memberships") ?? 20 }
    package static var pKeys: Int { 1 }
    package static var ports: Int { 1 }
}
