internal import SystemIO

/// Room that one direct operation after the other uses, under the engine's lock: lists of ranges, and a datagram.
@safe
internal struct DirectScratch: ~Copyable, @unchecked Sendable {
    // SAFETY: allocated and initialised from `init` until `deinit`, used under the engine's lock.
    let local: UnsafeMutablePointer<MemoryRange>
    // SAFETY: likewise.
    let remote: UnsafeMutablePointer<MemoryRange>
    // SAFETY: likewise: a global route and a datagram of the largest size.
    let datagram: UnsafeMutableRawBufferPointer

    static var datagramByteCount: Int { 40 + 4096 }

    // SAFETY: likewise: a region that is nowhere is read here, where nobody writes, and written there, where nobody reads.
    private(set) var zeros: UnsafeMutableRawPointer?
    // SAFETY: likewise.
    private(set) var sink: UnsafeMutableRawPointer?

    init() {
        let empty = MemoryRange(address: 0, byteCount: 0)
        unsafe self.local = .allocate(capacity: Limits.scatterElements)
        unsafe self.local.initialize(repeating: empty, count: Limits.scatterElements)
        unsafe self.remote = .allocate(capacity: Limits.scatterElements)
        unsafe self.remote.initialize(repeating: empty, count: Limits.scatterElements)
        unsafe self.datagram = .allocate(byteCount: Self.datagramByteCount, alignment: 64)
    }

    deinit {
        unsafe self.local.deallocate()
        unsafe self.remote.deallocate()
        unsafe self.datagram.deallocate()
        unsafe self.zeros?.deallocate()
        unsafe self.sink?.deallocate()
    }

    /// Stands for memory that is nowhere, for one share of an operation.
    mutating func nowhere(isSink: Bool) -> UnsafeMutableRawPointer {
        if let found = unsafe isSink ? self.sink : self.zeros { return unsafe found }
        let byteCount = DirectConnection.shareByteCountMax + DirectConnection.requestByteCount
        let room = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        unsafe room.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        if isSink { unsafe self.sink = room } else { unsafe self.zeros = room }
        return unsafe room
    }
}
