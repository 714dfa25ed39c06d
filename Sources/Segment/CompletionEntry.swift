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
///
/// The fields share words: a processor that reads an entry right after it wrote it stalls unless it finds in one piece what it
/// reads in one piece.
public struct CompletionEntry: BitwiseCopyable, Sendable {
    public var workRequestID: UInt64
    public var placeAddress: UInt64 = 0
    @usableFromInline internal var lengthAndImmediate: UInt64
    @usableFromInline internal var numbers: UInt64
    @usableFromInline internal var codesAndPlace: UInt64
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
        self.lengthAndImmediate = UInt64(completion.byteCount) | UInt64(completion.immediateOrKey) << 32
        self.numbers = UInt64(completion.qpNumber) | UInt64(completion.sourceQP) << 32
        self.codesAndPlace = UInt64(
            completion.status & 0xFF | (completion.opcode & 0xFF) << 8 | (completion.flags & 0xFF) << 16
        )
        self.vendorError = completion.vendorError
        self.words = (0, completion.timestampNanoseconds)
    }

    /// What the entry says, without its payload.
    @inlinable @inline(always)
    internal func unpack(into completion: inout WorkCompletion) {
        let codes = UInt32(truncatingIfNeeded: self.codesAndPlace)
        completion.workRequestID = self.workRequestID
        completion.status = codes & 0xFF
        completion.opcode = (codes >> 8) & 0xFF
        completion.byteCount = self.byteCount
        completion.immediateOrKey = UInt32(truncatingIfNeeded: self.lengthAndImmediate >> 32)
        completion.qpNumber = self.qpNumber
        completion.sourceQP = UInt32(truncatingIfNeeded: self.numbers >> 32)
        completion.flags = (codes >> 16) & 0xFF
        completion.vendorError = self.vendorError
        completion.timestampNanoseconds = self.payloadCode == PayloadKind.entry.rawValue ? 0 : self.words.1
    }

    @inlinable @inline(always) public var byteCount: UInt32 { UInt32(truncatingIfNeeded: self.lengthAndImmediate) }
    @inlinable @inline(always) public var qpNumber: UInt32 { UInt32(truncatingIfNeeded: self.numbers) }
    @inlinable @inline(always) internal var opcode: UInt8 { UInt8(truncatingIfNeeded: self.codesAndPlace >> 8) }
    @inlinable @inline(always)
    internal var payloadCode: UInt8 { UInt8(truncatingIfNeeded: self.codesAndPlace >> 24) }
    /// The key of the memory, or the count of scatter elements.
    @inlinable @inline(always)
    public var placeKeyOrCount: UInt32 { UInt32(truncatingIfNeeded: self.codesAndPlace >> 32) }

    /// Whether the poller has to put something in place.
    @inlinable @inline(always) internal var hasPayload: Bool { self.payloadCode != PayloadKind.none.rawValue }
    @inlinable @inline(always)
    public var payload: PayloadKind { PayloadKind(rawValue: self.payloadCode) ?? .none }

    @inlinable @inline(always)
    internal mutating func setPayload(_ kind: PayloadKind, keyOrCount: UInt32) {
        self.codesAndPlace = self.codesAndPlace & 0xFF_FFFF | UInt64(kind.rawValue) << 24 | UInt64(keyOrCount) << 32
    }
}

// MARK: - Payload

extension CompletionEntry {
    /// Lets a payload of at most `payloadByteCountMax` bytes travel in the entry.
    @inlinable @inline(always)
    public mutating func carry(to element: ScatterElement, gather: (UnsafeMutableRawPointer) -> Bool) -> Bool {
        self.setPayload(.entry, keyOrCount: element.lKey)
        self.placeAddress = element.address
        // SAFETY: the words have room for as many bytes as the caller may gather.
        return unsafe withUnsafeMutableBytes(of: &self.words) { bytes in
            guard let base = bytes.baseAddress else { return false }
            return unsafe gather(base)
        }
    }

    /// As `carry`, for a payload that the caller has in two words; what lies behind the message has no meaning.
    @inlinable @inline(always)
    public mutating func carry(to element: ScatterElement, _ words: (UInt64, UInt64)) {
        self.setPayload(.entry, keyOrCount: element.lKey)
        self.placeAddress = element.address
        self.words = words
    }

    /// Says where in the arena the payload waits.
    @inlinable @inline(always)
    public mutating func refer(toArena position: UInt64, elementCount: Int) {
        self.setPayload(.arena, keyOrCount: UInt32(truncatingIfNeeded: elementCount))
        self.words.0 = position
    }
}
