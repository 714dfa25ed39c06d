package import SystemIO

/// The segment of another process, mapped.
package final class PeerSegment: Sendable {
    private let mapping: SharedMapping
    private let liveness: ProcessLiveness
    package let view: SegmentView

    /// Maps the segment behind a descriptor.
    ///
    /// - Parameters:
    ///   - processID: Of the process that must own it.
    ///   - liveness: Which processes live.
    /// - Throws: `EPROTO` when it is no segment of this version, or another process's; `ENOMEM`.
    package init(
        takingOver descriptor: consuming OwnedDescriptor,
        processID: Int32,
        liveness: ProcessLiveness
    ) throws(Errno) {
        let byteCount = try FileSystem.information(of: descriptor.rawValue).byteCount
        guard byteCount >= SegmentLayout.headerByteCount else { throw .protocolError }
        let mapping = try SharedMapping(takingOver: descriptor, byteCount: byteCount)
        // SAFETY: the mapping has at least the bytes of a header, and lives as long as the view in this object.
        let header = unsafe SegmentHeader(at: mapping.base)
        guard header.isSound, header.processID == UInt32(bitPattern: processID),
            let layout = SegmentLayout(header), layout.byteCount == byteCount
        else { throw .protocolError }
        self.liveness = liveness
        // Whoever works there attaches itself, and gets another view.
        unsafe self.view = SegmentView(
            base: mapping.base,
            layout: layout,
            holder: .owner,
            liveness: .passUnretained(liveness)
        )
        // The memory stays, and a descriptor is a thing that programs run out of.
        mapping.descriptor.close()
        self.mapping = mapping
    }
}

extension SegmentLayout {
    /// The layout of somebody else's segment, or `nil` when the numbers contradict each other.
    fileprivate init?(_ header: SegmentHeader) {
        let counts = [header.memoryCount, header.completionCount, header.receiveCount]
        guard counts.allSatisfy({ $0 > 0 && $0 <= 1 << 24 }), header.memoryCount.nonzeroBitCount == 1,
            header.byteCount <= 1 << 40
        else { return nil }
        let layout = SegmentLayout(
            unchecked: Int(header.byteCount),
            memoryCount: Int(header.memoryCount),
            completionCount: Int(header.completionCount),
            receiveCount: Int(header.receiveCount)
        )
        guard layout.extentsOffset < layout.byteCount else { return nil }
        self = layout
    }
}
