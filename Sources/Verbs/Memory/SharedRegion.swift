/// A ``MemoryRegion`` for tasks: a reference that many may hold, and parts that keep it alive.
///
/// An operation that is awaited holds its part until the adapter has let go of it, also when the task that awaited it was
/// cancelled and is gone.
public final class SharedRegion: Sendable {
    internal let handle: RegionHandle
    @usableFromInline internal let numbers: RawRegion

    public init(_ region: consuming MemoryRegion) {
        self.handle = region.handle
        self.numbers = region.numbers
    }

    /// Takes memory from the system and registers it. See ``MemoryRegion/init(byteCount:in:remoteAccess:pages:)``.
    public convenience init(
        byteCount: Int,
        in domain: borrowing ProtectionDomain,
        remoteAccess: RemoteAccess = [],
        pages: PageKind = .standard
    ) throws(VerbsError) {
        self.init(
            try MemoryRegion(byteCount: byteCount, in: domain, remoteAccess: remoteAccess, pages: pages)
        )
    }
}

extension SharedRegion {
    @inlinable public var byteCount: Int { self.numbers.byteCount }

    /// What a peer needs to reach this memory, as far as `remoteAccess` allows.
    @inlinable public var remote: RemoteRegion { self.numbers.remote }

    /// A part of the memory. The range must lie inside.
    public subscript(range: Range<Int>) -> SharedSlice {
        self.numbers.check(range)
        return SharedSlice(region: self, range: range)
    }

    /// The whole memory.
    public var all: SharedSlice { self[0..<self.byteCount] }

    /// A value that lies at a byte offset, which need not be aligned.
    @inlinable
    public func load<Value: BitwiseCopyable>(_ type: Value.Type, at byteOffset: Int) -> Value {
        withExtendedLifetime(self) { self.numbers.load(type, at: byteOffset) }
    }

    /// Puts a value at a byte offset, which need not be aligned.
    @inlinable
    public func store<Value: BitwiseCopyable>(_ value: Value, at byteOffset: Int) {
        withExtendedLifetime(self) { self.numbers.store(value, at: byteOffset) }
    }

    /// Puts bytes at a byte offset.
    public func copy(_ bytes: RawSpan, at byteOffset: Int) {
        self.numbers.copy(bytes, at: byteOffset)
    }

    /// Calls a closure with the bytes. What peers and the adapter write meanwhile shows or not.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: the object keeps the pages during the call.
        let bytes = unsafe UnsafeRawBufferPointer(start: self.numbers.base, count: self.byteCount)
        return try body(unsafe bytes.bytes)
    }
}

/// A part of a ``SharedRegion``, which it keeps alive.
public struct SharedSlice: Sendable {
    public let region: SharedRegion
    /// Byte offsets in the region.
    public let range: Range<Int>

    public var byteCount: Int { self.range.count }

    /// The part, for a work request.
    internal var memory: RegionSlice<ReadWrite> {
        @_lifetime(borrow self)
        get {
            // SAFETY: the part keeps the region's handle.
            unsafe _overrideLifetime(RegionSlice(self.region.numbers, range: self.range), borrowing: self)
        }
    }

    /// The bytes as they are now.
    public func copyBytes() -> [UInt8] {
        self.region.withBytes { bytes in
            var copy: [UInt8] = []
            let part = bytes.extracting(self.range)
            unsafe part.withUnsafeBytes { unsafe copy.append(contentsOf: $0) }
            return copy
        }
    }
}
