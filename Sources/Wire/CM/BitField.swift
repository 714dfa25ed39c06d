// Fields that share a byte or a word with others.

extension FixedWidthInteger where Self: UnsignedInteger {
    /// The field of `width` bits whose lowest is bit `shift`.
    @inline(always)
    func field(at shift: Int, width: Int) -> Self {
        self >> shift & ((1 << width) - 1)
    }

    /// This value as the field of `width` bits whose lowest is bit `shift`.
    ///
    /// - Precondition: it fits, so that it does not change its neighbours.
    @inline(always)
    func asField(at shift: Int, width: Int) -> Self {
        precondition(self >> width == 0, "a value that is too large for its field")
        return self << shift
    }
}

extension Bool {
    /// This claim as bit `shift` of a byte.
    @inline(always)
    func asBit(_ shift: Int) -> UInt8 { self ? 1 << UInt8(shift) : 0 }
}

extension UInt8 {
    @inline(always)
    func hasBit(_ shift: Int) -> Bool { self >> UInt8(shift) & 1 != 0 }
}

extension RawSpan {
    /// The 24-bit big-endian number at `offset`.
    @inline(always)
    func bigEndian24(at offset: Int) -> UInt32 {
        UInt32(self.bigEndian(at: offset, as: UInt16.self)) << 8
            | UInt32(self.bigEndian(at: offset + 2, as: UInt8.self))
    }
}

extension MutableRawSpan {
    /// Stores a 24-bit number and the byte behind it.
    ///
    /// - Precondition: `value` is below 2^24.
    @inline(always)
    @_lifetime(self: copy self)
    mutating func store(bigEndian24 value: UInt32, then byte: UInt8, at offset: Int) {
        self.store(bigEndian: value.asField(at: 8, width: 24) | UInt32(byte), at: offset)
    }
}
