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
public struct CompletionEntry: BitwiseCopyable, Sendable {
    public var workRequestID: UInt64
    public var placeAddress: UInt64 = 0
    public var byteCount: UInt32
    @usableFromInline internal var immediateOrKey: UInt32
    public var qpNumber: UInt32
    @usableFromInline internal var sourceQP: UInt32
    @usableFromInline internal var status: UInt8
    @usableFromInline internal var opcode: UInt8
    @usableFromInline internal var flags: UInt8
    @usableFromInline internal var payloadKind: UInt8 = PayloadKind.none.rawValue
    public var placeKeyOrCount: UInt32 = 0
    @usableFromInline internal var vendorError: UInt32
    @usableFromInline internal var sequence: UInt32 = 0
    /// Two words of payload; or the position in the arena, and the time.
    public var words: (UInt64, UInt64)

    /// Where the payload is that the poller has to put in place.
    public enum PayloadKind: UInt8 {
        case none = 0
        case entry = 1
        case arena = 2
    }

    /// The longest payload that travels in the entry.
    @inlinable public static var payloadByteCountMax: Int { 16 }
    @inlinable internal static var sequenceOffset: Int { 44 }

    @inlinable @inline(always)
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
    @inlinable @inline(always)
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

    @inlinable @inline(always)
    public var payload: PayloadKind { PayloadKind(rawValue: self.payloadKind) ?? .none }
}

// MARK: - Payload

extension CompletionEntry {
    /// Lets a payload of at most `payloadByteCountMax` bytes travel in the entry.
    @inlinable @inline(always)
    public mutating func carry(to element: ScatterElement, gather: (UnsafeMutableRawPointer) -> Bool) -> Bool {
        self.payloadKind = PayloadKind.entry.rawValue
        self.placeAddress = element.address
        self.placeKeyOrCount = element.lKey
        // SAFETY: the words have room for as many bytes as the caller may gather.
        return unsafe withUnsafeMutableBytes(of: &self.words) { bytes in
            guard let base = bytes.baseAddress else { return false }
            return unsafe gather(base)
        }
    }

    /// As `carry`, for a payload that the caller has in two words; what lies behind the message has no meaning.
    @inlinable @inline(always)
    public mutating func carry(to element: ScatterElement, _ words: (UInt64, UInt64)) {
        self.payloadKind = PayloadKind.entry.rawValue
        self.placeAddress = element.address
        self.placeKeyOrCount = element.lKey
        self.words = words
    }

    /// Says where in the arena the payload waits.
    @inlinable @inline(always)
    public mutating func refer(toArena position: UInt64, elementCount: Int) {
        self.payloadKind = PayloadKind.arena.rawValue
        self.placeKeyOrCount = UInt32(truncatingIfNeeded: elementCount)
        self.words.0 = position
    }
}
