import SystemIO

/// A table of registered buffers and its free slots.
internal final class PinRing {
    /// How many buffers a ring takes. The kernel allows 16384; a table costs it memory also while it is empty.
    internal static let slotCount = 4096

    private let buffers: IOUringBuffers
    private var freeSlots: [Int]

    internal init() throws(Errno) {
        self.buffers = try IOUringBuffers(slotCount: Self.slotCount)
        self.freeSlots = Array((0..<Self.slotCount).reversed())
    }

    internal var hasRoom: Bool { !self.freeSlots.isEmpty }

    /// Pins a range of at most `IOUringBuffers.bufferByteCountMax` bytes. There must be room.
    internal func pin(address: UInt, byteCount: UInt) throws(Errno) -> Int {
        guard let slot = self.freeSlots.last else { throw .noMemory }
        try self.buffers.pin(slot: slot, address: address, byteCount: byteCount)
        self.freeSlots.removeLast()
        return slot
    }

    /// Lets the range of `slot` go.
    internal func unpin(slot: Int) {
        do throws(Errno) {
            try self.buffers.unpin(slot: slot)
            self.freeSlots.append(slot)
        } catch {
            // The kernel keeps the range, so the slot stays taken.
            Diagnostics.warn("a pinned buffer could not be released: \(error.message).")
        }
    }
}
