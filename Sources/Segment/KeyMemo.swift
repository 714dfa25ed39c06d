/// Which slot of a memory table a key named when it was last looked up, for whoever uses one key many times: the permutation
/// behind a key costs as much as the rest of a look-up. A key names the same slot for ever, so nothing has to be forgotten.
public struct KeyMemo: BitwiseCopyable, Sendable {
    @usableFromInline internal var key: UInt32 = 0
    @usableFromInline internal var index: UInt32 = 0

    public init() {}

    @inlinable @inline(always)
    internal mutating func index(of key: UInt32, _ cipher: borrowing KeyCipher) -> UInt32 {
        if key != self.key {
            self.index = cipher.decrypt(key: key)
            self.key = key
        }
        return self.index
    }
}
