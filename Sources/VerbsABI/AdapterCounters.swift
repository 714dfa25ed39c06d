package import CVerbs
internal import Segment
internal import SoftHCA

/// What the adapter of this process counts, for programs that have it inside. The numbers only grow.
///
/// - Parameter context: Open, and of this library.
package func adapterCounters(_ context: UnsafeMutablePointer<ibv_context>) -> [(name: String, value: UInt64)] {
    // SAFETY: the caller keeps the context open.
    let adapter = unsafe context.adapter
    let packets = adapter.engine.countersNow
    let header = adapter.segment.header
    return [
        ("sent_packets", packets.sentPackets), ("received_packets", packets.receivedPackets),
        ("refused_packets", packets.refusedPackets), ("malformed_packets", packets.malformedPackets),
        ("wrong_icrc_packets", packets.wrongICRC), ("unknown_queue_pair_packets", packets.unknownQueuePair),
        ("wrong_sender_packets", packets.wrongSender), ("stray_packets", packets.strayPackets),
        ("congestion_marks", packets.markedPackets), ("dropped_datagrams", packets.droppedDatagrams),
        ("connection_refusals", packets.connectionRefusals),
        ("unanswered_management_datagrams", packets.unansweredManagement),
        ("direct_requests", header.counter(.directRequests).relaxed),
        ("direct_bytes", header.counter(.directBytes).relaxed),
        ("completion_queue_overruns", header.counter(.completionOverruns).relaxed),
    ]
}
