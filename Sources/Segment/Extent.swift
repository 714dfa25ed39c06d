/// A run of whole pages in a segment.
package struct Extent: Hashable, Sendable {
    /// From the start of the segment, in bytes.
    package var byteOffset: Int
    package var byteCount: Int

    package init(byteOffset: Int, byteCount: Int) {
        self.byteOffset = byteOffset
        self.byteCount = byteCount
    }

    package var end: Int { self.byteOffset + self.byteCount }
}
