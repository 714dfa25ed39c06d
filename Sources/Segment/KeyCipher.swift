/// A secret permutation of the 32-bit numbers, which makes keys unpredictable.
///
/// A Feistel network of four rounds over halves of 16 bits. It hides which slot and generation a key names from who sees
/// a few keys; it is not meant to withstand somebody who may ask for millions.
package struct KeyCipher: Sendable, BitwiseCopyable, Hashable {
    private let secret0: UInt32
    private let secret1: UInt32
    private let secret2: UInt32
    private let secret3: UInt32

    /// - Parameter secret: 128 random bits.
    package init(secret: (UInt64, UInt64)) {
        self.secret0 = UInt32(truncatingIfNeeded: secret.0)
        self.secret1 = UInt32(truncatingIfNeeded: secret.0 >> 32)
        self.secret2 = UInt32(truncatingIfNeeded: secret.1)
        self.secret3 = UInt32(truncatingIfNeeded: secret.1 >> 32)
    }

    @inline(always)
    package func encrypt(_ value: UInt32) -> UInt32 {
        var left = value >> 16
        var right = value & 0xFFFF
        left ^= Self.mix(right, self.secret0)
        right ^= Self.mix(left, self.secret1)
        left ^= Self.mix(right, self.secret2)
        right ^= Self.mix(left, self.secret3)
        return left << 16 | right
    }

    @inline(always)
    package func decrypt(_ value: UInt32) -> UInt32 {
        var left = value >> 16
        var right = value & 0xFFFF
        right ^= Self.mix(left, self.secret3)
        left ^= Self.mix(right, self.secret2)
        right ^= Self.mix(left, self.secret1)
        left ^= Self.mix(right, self.secret0)
        return left << 16 | right
    }

    /// A 16-bit hash of 16 bits under a secret: every bit of the result depends on every bit of both.
    @inline(always)
    private static func mix(_ half: UInt32, _ secret: UInt32) -> UInt32 {
        var word = (half &* 0x9E37_79B1) ^ secret
        word = (word ^ (word >> 15)) &* 0x85EB_CA6B
        word = (word ^ (word >> 13)) &* 0xC2B2_AE35
        return (word ^ (word >> 16)) & 0xFFFF
    }
}
