/// What an adapter can do: the fields of `ibv_device_attr` and `ibv_device_attr_ex`. See ibv_query_device_ex(3).
///
/// What is not named here is not built, and 0 in the C structure.
package struct DeviceAttributes: Sendable, Equatable {
    package var firmwareVersion = "0.1.0"
    /// As a number whose most significant byte is the first of the GUID.
    package var nodeGUID: UInt64 = 0
    package var systemImageGUID: UInt64 = 0
    package var memoryRegionByteCountMax: UInt64 = .max
    /// Bit n set: pages of 2^n bytes.
    package var pageSizes: UInt64 = 0xFFFF_F000
    /// No vendor: there is nobody behind it who was given a number.
    package var vendorID: UInt32 = 0xFF_FFFF
    package var vendorPartID: UInt32 = 0
    package var hardwareVersion: UInt32 = 0
    package var queuePairsMax = Limits.queuePairs
    package var workRequestsMax = Limits.workRequests
    package var capabilities: Capabilities = [
        .systemImageGUID, .rnrNAKs, .sharedReceiveQueueResize, .extendedConnections, .atomicWrite, .memoryWindow,
        .memoryManagementExtensions, .memoryWindowType2B,
    ]
    package var scatterElementsMax = Limits.scatterElements
    package var readScatterElementsMax = Limits.scatterElements
    package var completionQueuesMax = Limits.completionQueues
    package var completionsMax = Limits.completions
    package var memoryRegionsMax = Limits.memoryRegions
    /// They share the table with the regions.
    package var memoryWindowsMax = Limits.memoryRegions
    /// As many as memory allows.
    package var protectionDomainsMax = Int(Int32.max)
    /// As many as memory allows.
    package var addressHandlesMax = Int(Int32.max)
    /// As a target, of one queue pair.
    package var readsMax = Limits.reads
    /// As an initiator, of one queue pair.
    package var initiatedReadsMax = Limits.reads
    package var allReadsMax = Limits.reads * Limits.queuePairs
    /// `IBV_ATOMIC_HCA`: atomic among all that goes through this adapter.
    package var atomicCapability: UInt32 = 1
    package var sharedReceiveQueuesMax = Limits.sharedReceiveQueues
    package var sharedReceiveRequestsMax = Limits.workRequests
    package var sharedReceiveScatterMax = Limits.scatterElements
    package var multicastGroupsMax = Limits.multicastGroups
    /// Of one group.
    package var multicastQueuePairsMax = Limits.queuePairs
    package var pKeysMax = Limits.pKeys
    /// Exponent: the adapter answers within 4.096 us * 2^n.
    package var acknowledgeDelay: UInt8 = 15
    package var portCount = Limits.ports

    // MARK: Extended

    /// Which bits of a completion's time are valid.
    package var timestampMask: UInt64 = .max
    /// Ticks of that time in a millisecond: it counts nanoseconds.
    package var clockKilohertz: UInt64 = 1_000_000
    /// The largest limits of `CompletionQueue.moderate`: completions, and microseconds.
    package var moderationCountMax = UInt16.max
    package var moderationPeriodMax = UInt16.max

    /// What work requests may do with memory whose pages come and go, by transport service.
    package var onDemand = OnDemandCapabilities()
    package var deviceMemoryByteCountMax = Limits.deviceMemoryByteCount

    package init() {}

    /// The bits of `device_cap_flags_ex` that are used here; the lower half are those of `ibv_device_cap_flags`.
    package struct Capabilities: OptionSet, Sendable {
        package let rawValue: UInt64

        package init(rawValue: UInt64) {
            self.rawValue = rawValue
        }

        package static var systemImageGUID: Capabilities { Capabilities(rawValue: 1 << 11) }
        package static var rnrNAKs: Capabilities { Capabilities(rawValue: 1 << 12) }
        package static var sharedReceiveQueueResize: Capabilities { Capabilities(rawValue: 1 << 13) }
        package static var extendedConnections: Capabilities { Capabilities(rawValue: 1 << 20) }
        /// Only among the extended flags.
        package static var atomicWrite: Capabilities { Capabilities(rawValue: 1 << 40) }
        package static var memoryWindow: Capabilities { Capabilities(rawValue: 1 << 17) }
        /// Invalidating windows by work requests of either side.
        package static var memoryManagementExtensions: Capabilities { Capabilities(rawValue: 1 << 21) }
        package static var memoryWindowType2B: Capabilities { Capabilities(rawValue: 1 << 24) }
    }
}
