/// What makes keys unpredictable: two secret permutations, one of the upper 24 bits of a key, one of its lowest 8.
///
/// ```
///   31                            8 7        0
///   | prefix: permuted slot number |   tag    |
/// ```
///
/// The prefix names a slot of the memory table and a part of its generation. The tag is the rest of the generation,
/// permuted differently under each prefix; that of a type 2 window is the program's own (`ibv_inc_rkey`).
///
/// Feistel networks of four rounds. They hide which slot and generation a key names from who sees a few keys; they are
/// not meant to withstand somebody who may ask for millions.
public struct KeyCipher: Sendable, BitwiseCopyable, Hashable {
    @usableFromInline internal let secret0: UInt32
    @usableFromInline internal let secret1: UInt32
    @usableFromInline internal let secret2: UInt32
    @usableFromInline internal let secret3: UInt32

    /// Bits of a prefix.
    public static var prefixBitCount: Int { 24 }
    /// Tags under one prefix.
    public static var tagCount: UInt32 { 256 }

    /// - Parameter secret: 128 random bits.
    public init(secret: (UInt64, UInt64)) {
        self.secret0 = UInt32(truncatingIfNeeded: secret.0)
        self.secret1 = UInt32(truncatingIfNeeded: secret.0 >> 32)
        self.secret2 = UInt32(truncatingIfNeeded: secret.1)
        self.secret3 = UInt32(truncatingIfNeeded: secret.1 >> 32)
    }

    /// The prefix of a 24-bit number.
    @inlinable @inline(always)
    public func encrypt(_ value: UInt32) -> UInt32 {
        var left = (value >> 12) & 0xFFF
        var right = value & 0xFFF
        left ^= Self.mix(right, self.secret0) & 0xFFF
        right ^= Self.mix(left, self.secret1) & 0xFFF
        left ^= Self.mix(right, self.secret2) & 0xFFF
        right ^= Self.mix(left, self.secret3) & 0xFFF
        return left << 12 | right
    }

    /// The number behind the prefix of a key.
    @inlinable @inline(always)
    public func decrypt(key: UInt32) -> UInt32 {
        var left = key >> 20
        var right = (key >> 8) & 0xFFF
        right ^= Self.mix(left, self.secret3) & 0xFFF
        left ^= Self.mix(right, self.secret2) & 0xFFF
        right ^= Self.mix(left, self.secret1) & 0xFFF
        left ^= Self.mix(right, self.secret0) & 0xFFF
        return left << 12 | right
    }

    /// The tag under a prefix of a number below 256: another one for each number.
    public func tag(_ value: UInt32, under prefix: UInt32) -> UInt32 {
        var left = (value >> 4) & 0xF
        var right = value & 0xF
        left ^= Self.mix(right << 24 | prefix, self.secret3) & 0xF
        right ^= Self.mix(left << 24 | prefix, self.secret2) & 0xF
        left ^= Self.mix(right << 24 | prefix, self.secret1) & 0xF
        right ^= Self.mix(left << 24 | prefix, self.secret0) & 0xF
        return left << 4 | right
    }

    /// A hash of a number under a secret, in the lower 16 bits: every bit of the result depends on every bit of both.
    @inlinable @inline(always)
    internal static func mix(_ value: UInt32, _ secret: UInt32) -> UInt32 {
        var word = (value &* 0x9E37_79B1) ^ secret
        word = (word ^ (word >> 15)) &* 0x85EB_CA6B
        word = (word ^ (word >> 13)) &* 0xC2B2_AE35
        return word ^ (word >> 16)
    }
}
