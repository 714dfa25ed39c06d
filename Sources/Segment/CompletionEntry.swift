/// One completion as it lies in the ring: a `WorkCompletion` packed into a cache line, with the payload of a short SEND or
/// the place where a longer one waits.
///
/// | Bytes | Contents                                                                              |
/// |-------|---------------------------------------------------------------------------------------|
/// | 0-7   | work request                                                                          |
/// | 8-15  | payload in the entry: the address where the poller puts it                            |
/// | 16-19 | byte count                                                                            |
/// | 20-23 | immediate data, or the key that was invalidated                                       |
/// | 24-27 | QPN                                                                                   |
/// | 28-31 | QPN of the sender                                                                     |
/// | 32    | status                                                                                |
/// | 33    | opcode                                                                                |
/// | 34    | flags                                                                                 |
/// | 35    | a raw `PayloadKind`                                                                   |
/// | 36-39 | payload in the entry: the key of that memory; in the arena: count of scatter elements |
/// | 40-43 | vendor error                                                                          |
/// | 44-47 | sequence: the low half of the entry's index + 1, written last                         |
/// | 48-63 | the payload; or its position in the arena and the time                                |
package struct CompletionEntry: BitwiseCopyable, Sendable {
    package internal(set) var workRequestID: UInt64
    package internal(set) var placeAddress: UInt64 = 0
    package internal(set) var byteCount: UInt32
    internal var immediateOrKey: UInt32
    package internal(set) var qpNumber: UInt32
    internal var sourceQP: UInt32
    internal var status: UInt8
    internal var opcode: UInt8
    internal var flags: UInt8
    internal var payloadKind = PayloadKind.none.rawValue
    package internal(set) var placeKeyOrCount: UInt32 = 0
    internal var vendorError: UInt32
    internal var sequence: UInt32 = 0
    /// Two words of payload; or the position in the arena, and the time.
    package internal(set) var words: (UInt64, UInt64)

    /// Where the payload is that the poller has to put in place.
    package enum PayloadKind: UInt8 {
        case none = 0
        case entry = 1
        case arena = 2
    }

    /// The longest payload that travels in the entry.
    package static var payloadByteCountMax: Int { 16 }
    internal static var sequenceOffset: Int { 44 }

    @inline(always)
    internal init(_ completion: WorkCompletion) {
        self.workRequestID = completion.workRequestID
        self.byteCount = completion.byteCount
        self.immediateOrKey = completion.immediateOrKey
        self.qpNumber = completion.qpNumber
        self.sourceQP = completion.sourceQP
        self.status = UInt8(truncatingIfNeeded: completion.status)
        self.opcode = UInt8(truncatingIfNeeded: completion.opcode)
        self.flags = UInt8(truncatingIfNeeded: completion.flags)
        self.vendorError = completion.vendorError
        self.words = (0, completion.timestampNanoseconds)
    }

    /// What the entry says, without its payload.
    @inline(always)
    internal func unpack(into completion: inout WorkCompletion) {
        completion.workRequestID = self.workRequestID
        completion.status = UInt32(self.status)
        completion.opcode = UInt32(self.opcode)
        completion.byteCount = self.byteCount
        completion.immediateOrKey = self.immediateOrKey
        completion.qpNumber = self.qpNumber
        completion.sourceQP = self.sourceQP
        completion.flags = UInt32(self.flags)
        completion.vendorError = self.vendorError
        completion.timestampNanoseconds = self.payloadKind == PayloadKind.entry.rawValue ? 0 : self.words.1
    }

    @inline(always)
    package var payload: PayloadKind { PayloadKind(rawValue: self.payloadKind) ?? .none }
}

// MARK: - Payload

extension CompletionEntry {
    /// Lets a payload of at most `payloadByteCountMax` bytes travel in the entry.
    @inline(always)
    package mutating func carry(to element: ScatterElement, gather: (UnsafeMutableRawPointer) -> Bool) -> Bool {
        self.payloadKind = PayloadKind.entry.rawValue
        self.placeAddress = element.address
        self.placeKeyOrCount = element.lKey
        // SAFETY: the words have room for as many bytes as the caller may gather.
        return unsafe withUnsafeMutableBytes(of: &self.words) { bytes in
            guard let base = bytes.baseAddress else { return false }
            return unsafe gather(base)
        }
    }

    /// Says where in the arena the payload waits.
    @inline(always)
    package mutating func refer(toArena position: UInt64, elementCount: Int) {
        self.payloadKind = PayloadKind.arena.rawValue
        self.placeKeyOrCount = UInt32(truncatingIfNeeded: elementCount)
        self.words.0 = position
    }
}
