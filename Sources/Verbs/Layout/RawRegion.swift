/// The numbers of a registered region, and its bytes. Who uses it keeps the registration.
@safe
@usableFromInline
internal struct RawRegion {
    // SAFETY: `byteCount` bytes of memory, as long as whoever has this value keeps the ``RegionHandle``.
    @usableFromInline internal let base: UnsafeMutableRawPointer
    @usableFromInline internal let byteCount: Int
    @usableFromInline internal let lKey: UInt32
    @usableFromInline internal let rKey: UInt32

    @unsafe
    internal init(base: UnsafeMutableRawPointer, byteCount: Int, lKey: UInt32, rKey: UInt32) {
        unsafe self.base = unsafe base
        self.byteCount = byteCount
        self.lKey = lKey
        self.rKey = rKey
    }
}

// SAFETY: a pointer and numbers. Who reads and writes the bytes when is the program's agreement with its peers, as with every
// memory that an adapter writes.
extension RawRegion: @unchecked Sendable {}

extension RawRegion {
    @inlinable
    internal var address: UInt64 { UInt64(UInt(bitPattern: unsafe self.base)) }

    @inlinable
    internal var remote: RemoteRegion {
        RemoteRegion(address: self.address, byteCount: self.byteCount, rKey: RKey(rawValue: self.rKey))
    }

    @inlinable
    internal func load<Value: BitwiseCopyable>(_ type: Value.Type, at byteOffset: Int) -> Value {
        self.check(byteOffset, MemoryLayout<Value>.size)
        return unsafe self.base.loadUnaligned(fromByteOffset: byteOffset, as: type)
    }

    @inlinable
    internal func store<Value: BitwiseCopyable>(_ value: Value, at byteOffset: Int) {
        self.check(byteOffset, MemoryLayout<Value>.size)
        unsafe self.base.storeBytes(of: value, toByteOffset: byteOffset, as: Value.self)
    }

    internal func copy(_ bytes: RawSpan, at byteOffset: Int) {
        self.check(byteOffset, bytes.byteCount)
        unsafe bytes.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe (self.base + byteOffset).copyMemory(from: source, byteCount: bytes.count)
        }
    }

    @inlinable
    internal func check(_ byteOffset: Int, _ byteCount: Int) {
        precondition(
            byteOffset >= 0 && byteCount <= self.byteCount && byteOffset <= self.byteCount - byteCount,
            "the bytes reach beyond the region"
        )
    }

    @inlinable
    internal func check(_ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= self.byteCount,
            "the range reaches beyond the region"
        )
    }
}
