import Verbs

/// The layout of the store's memory, which the server writes and the clients read by RDMA READ.
///
/// A slot is a sequence number, the key, the length and the value. The number is odd while the server writes. A client
/// reads the number, the slot and the number again, in this order: when both are the same and even, nobody wrote meanwhile.
enum Table {
    static let slotCount = 1024
    static let valueByteCountMax = 232
    static let slotByteCount = 256
    static let byteCount = slotCount * slotByteCount

    /// In a slot, after the sequence number.
    static let keyOffset = 8
    static let lengthOffset = 16
    static let valueOffset = 24

    /// The slot of a key. Two keys with one slot push each other out: it is a cache.
    static func slot(of key: UInt64) -> Int {
        let mixed = (key ^ key >> 31) &* 0x9E37_79B9_7F4A_7C15
        return Int(mixed >> 54)
    }

    static func range(of key: UInt64) -> Range<Int> {
        let start = slot(of: key) * slotByteCount
        return start..<start + slotByteCount
    }
}
