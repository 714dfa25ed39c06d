internal import Segment

/// Walks over a part of a message that lies scattered in a list of elements.
@safe
internal struct ElementWalk: ~Copyable {
    // SAFETY: the list belongs to a slot that stays in place while the walk is used.
    private let elements: UnsafeBufferPointer<ScatterElement>
    private var index = 0
    /// Bytes to pass over before the part begins.
    private var offset: UInt64
    private var remaining: Int

    @unsafe
    init(_ elements: UnsafeBufferPointer<ScatterElement>, offset: UInt64, byteCount: Int) {
        unsafe self.elements = elements
        self.offset = offset
        self.remaining = byteCount
    }

    /// The next contiguous piece, or `nil` at the end of the part or of the list.
    mutating func next() -> ScatterElement? {
        while self.remaining > 0, self.index < (unsafe self.elements.count) {
            let element = unsafe self.elements[self.index]
            if self.offset >= UInt64(element.byteCount) {
                self.offset -= UInt64(element.byteCount)
                self.index += 1
                continue
            }
            let byteCount = min(UInt64(element.byteCount) - self.offset, UInt64(self.remaining))
            let piece = ScatterElement(
                address: element.address &+ self.offset,
                byteCount: UInt32(byteCount),
                lKey: element.lKey
            )
            self.offset += byteCount
            self.remaining -= Int(byteCount)
            return piece
        }
        return nil
    }
}
