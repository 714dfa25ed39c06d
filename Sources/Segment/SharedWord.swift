public import Synchronization

/// A view of a 64-bit number in a segment that several processes read and write at once.
///
/// The view does not own the memory. Each method names the memory order it uses.
@safe
public struct SharedUInt64 {
    // SAFETY: whoever makes the view promises aligned memory that stays mapped as long as the view is used.
    @usableFromInline internal let word: UnsafeMutablePointer<Atomic<UInt64>>

    /// Views the word at `address`, which is aligned to 8 bytes.
    @unsafe
    @inlinable @inline(always)
    internal init(at address: UnsafeMutableRawPointer) {
        unsafe self.word = address.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    @inlinable @inline(always) public var relaxed: UInt64 { unsafe self.word.pointee.load(ordering: .relaxed) }
    @inlinable @inline(always) public var acquired: UInt64 { unsafe self.word.pointee.load(ordering: .acquiring) }

    @inlinable @inline(always)
    public func storeRelaxed(_ value: UInt64) {
        unsafe self.word.pointee.store(value, ordering: .relaxed)
    }

    @inlinable @inline(always)
    public func storeReleasing(_ value: UInt64) {
        unsafe self.word.pointee.store(value, ordering: .releasing)
    }

    /// Adds, and returns what stood there before. Wraps.
    @inlinable @inline(always)
    @discardableResult
    public func add(_ value: UInt64) -> UInt64 {
        unsafe self.word.pointee.wrappingAdd(value, ordering: .acquiringAndReleasing).oldValue
    }

    /// Subtracts, and returns what stood there before. Wraps.
    @inlinable @inline(always)
    @discardableResult
    public func subtract(_ value: UInt64) -> UInt64 {
        unsafe self.word.pointee.wrappingSubtract(value, ordering: .acquiringAndReleasing).oldValue
    }

    /// Stores, and returns what stood there before.
    @inlinable @inline(always)
    @discardableResult
    public func exchange(_ value: UInt64) -> UInt64 {
        unsafe self.word.pointee.exchange(value, ordering: .sequentiallyConsistent)
    }

    /// Sets the bits of `mask`, and returns what stood there before.
    @inlinable @inline(always)
    @discardableResult
    public func set(_ mask: UInt64) -> UInt64 {
        unsafe self.word.pointee.bitwiseOr(mask, ordering: .sequentiallyConsistent).oldValue
    }

    /// Keeps the bits of `mask` only, and returns what stood there before.
    @inlinable @inline(always)
    @discardableResult
    public func keep(_ mask: UInt64) -> UInt64 {
        unsafe self.word.pointee.bitwiseAnd(mask, ordering: .acquiringAndReleasing).oldValue
    }

    /// Stores `value` if `expected` stands there, and says whether it did.
    @inlinable @inline(always)
    public func replace(_ expected: UInt64, with value: UInt64) -> Bool {
        unsafe self.word.pointee.compareExchange(
            expected: expected,
            desired: value,
            ordering: .acquiringAndReleasing
        ).exchanged
    }
}

/// A view of a 32-bit number in a segment, like `SharedUInt64`.
@safe
public struct SharedUInt32 {
    // SAFETY: as in `SharedUInt64`.
    @usableFromInline internal let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// Views the word at `address`, which is aligned to 4 bytes.
    @unsafe
    @inlinable @inline(always)
    internal init(at address: UnsafeMutableRawPointer) {
        unsafe self.word = address.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    @inlinable @inline(always) public var relaxed: UInt32 { unsafe self.word.pointee.load(ordering: .relaxed) }
    @inlinable @inline(always) public var acquired: UInt32 { unsafe self.word.pointee.load(ordering: .acquiring) }

    @inlinable @inline(always)
    public func storeRelaxed(_ value: UInt32) {
        unsafe self.word.pointee.store(value, ordering: .relaxed)
    }

    @inlinable @inline(always)
    public func storeReleasing(_ value: UInt32) {
        unsafe self.word.pointee.store(value, ordering: .releasing)
    }

    /// Adds, and returns what stood there before. Wraps.
    @inlinable @inline(always)
    @discardableResult
    public func add(_ value: UInt32) -> UInt32 {
        unsafe self.word.pointee.wrappingAdd(value, ordering: .acquiringAndReleasing).oldValue
    }

    /// Subtracts, and returns what stood there before. Wraps.
    @inlinable @inline(always)
    @discardableResult
    public func subtract(_ value: UInt32) -> UInt32 {
        unsafe self.word.pointee.wrappingSubtract(value, ordering: .acquiringAndReleasing).oldValue
    }

    /// Stores, and returns what stood there before.
    @inlinable @inline(always)
    @discardableResult
    public func exchange(_ value: UInt32) -> UInt32 {
        unsafe self.word.pointee.exchange(value, ordering: .sequentiallyConsistent)
    }

    /// Stores `value` if it is greater than what stands there.
    @inlinable @inline(always)
    @discardableResult
    public func raise(to value: UInt32) -> UInt32 {
        unsafe self.word.pointee.max(value, ordering: .sequentiallyConsistent).oldValue
    }

    /// Stores `value` if `expected` stands there, and says whether it did.
    @inlinable @inline(always)
    public func replace(_ expected: UInt32, with value: UInt32) -> Bool {
        unsafe self.word.pointee.compareExchange(
            expected: expected,
            desired: value,
            ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Takes 1 away if the number is above 0, and says whether it did.
    public func takeOne() -> Bool {
        var value = self.relaxed
        while value > 0 {
            if self.replace(value, with: value - 1) { return true }
            value = self.relaxed
        }
        return false
    }
}

// SAFETY: atomics are made to be used by several threads.
extension SharedUInt64: @unchecked Sendable {}
// SAFETY: likewise.
extension SharedUInt32: @unchecked Sendable {}

/// Orders every store before the call before every load behind it.
@inlinable @inline(always)
public func fullFence() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
}

/// Orders every load before the call before every load and store behind it.
public func acquireOrder() {
    atomicMemoryFence(ordering: .acquiring)
}

/// Orders every load before the call before every load and store behind it.
@inlinable @inline(always)
internal func acquireFence() {
    atomicMemoryFence(ordering: .acquiring)
}
