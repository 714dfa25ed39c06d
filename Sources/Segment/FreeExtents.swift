package import SystemIO

/// Which pages of a range are free. Only bookkeeping: the memory itself is `ProcessSegment`'s.
package struct FreeExtents {
    /// Sorted, disjoint, and with a gap between any two: neighbours are joined.
    private var extents: [Extent]

    package init(_ whole: Extent) {
        self.extents = [whole]
    }

    /// Takes the first run of pages that holds `byteCount` bytes.
    ///
    /// - Throws: `ENOMEM` when there is none.
    package mutating func allocate(byteCount: Int) throws(Errno) -> Extent {
        precondition(byteCount > 0, "an extent cannot be empty")
        let page = SegmentLayout.pageByteCount
        let rounded = (byteCount + page - 1) / page * page
        guard let index = self.extents.firstIndex(where: { $0.byteCount >= rounded }) else { throw .noMemory }
        let extent = Extent(byteOffset: self.extents[index].byteOffset, byteCount: rounded)
        self.extents[index].byteOffset += rounded
        self.extents[index].byteCount -= rounded
        if self.extents[index].byteCount == 0 { self.extents.remove(at: index) }
        return extent
    }

    /// Gives back what `allocate` gave.
    package mutating func free(_ extent: Extent) {
        let index = self.extents.firstIndex { $0.byteOffset > extent.byteOffset } ?? self.extents.endIndex
        let joinsNext = index < self.extents.endIndex && extent.end == self.extents[index].byteOffset
        let joinsPrevious = index > 0 && self.extents[index - 1].end == extent.byteOffset
        precondition(index == 0 || self.extents[index - 1].end <= extent.byteOffset, "freed twice")
        precondition(index == self.extents.endIndex || extent.end <= self.extents[index].byteOffset, "freed twice")
        switch (joinsPrevious, joinsNext) {
        case (true, true):
            self.extents[index - 1].byteCount += extent.byteCount + self.extents[index].byteCount
            self.extents.remove(at: index)
        case (true, false):
            self.extents[index - 1].byteCount += extent.byteCount
        case (false, true):
            self.extents[index].byteOffset = extent.byteOffset
            self.extents[index].byteCount += extent.byteCount
        case (false, false):
            self.extents.insert(extent, at: index)
        }
    }

    package var freeByteCount: Int { self.extents.reduce(0) { $0 + $1.byteCount } }
    package var fragmentCount: Int { self.extents.count }
}
