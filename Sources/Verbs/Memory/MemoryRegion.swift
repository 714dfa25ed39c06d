internal import CVerbs

/// Registered memory that it owns: whole pages, zeroed, which no other allocation shares and no child of `fork` gets.
///
/// ```swift
/// let domain = try ProtectionDomain(on: VerbsLibrary.embedded.device().open())
/// let region = try MemoryRegion(byteCount: 4096, in: domain, remoteAccess: [.read])
/// region.store(42 as UInt64, at: 0)
/// ```
///
/// Peers and the adapter write to the memory while the program reads it; what order that has is for the program to arrange,
/// usually by a completion. For memory that the program has already, see ``BorrowedRegion``; for tasks, see
/// ``SharedRegion``.
@safe
public struct MemoryRegion: ~Copyable, Sendable {
    internal let handle: RegionHandle
    @usableFromInline internal let numbers: RawRegion

    /// Takes memory from the system and registers it.
    ///
    /// - Parameters:
    ///   - byteCount: At least 1. Whole pages are taken; the adapter can use the first `byteCount` bytes.
    ///   - domain: Whose queue pairs may use it. The region keeps it.
    ///   - remoteAccess: What peers may do.
    ///   - pages: Large pages make long copies several times as fast.
    /// - Throws: ``VerbsError/Code/outOfResources`` when there is no memory, or not as much may be locked.
    public init(
        byteCount: Int,
        in domain: borrowing ProtectionDomain,
        remoteAccess: RemoteAccess = [],
        pages: PageKind = .standard
    ) throws(VerbsError) {
        self.init(
            try RegionHandle(
                domain: domain.handle,
                byteCount: byteCount,
                pages: pages,
                flags: ReadWrite.flags(remoteAccess)
            )
        )
    }

    internal init(_ handle: RegionHandle) {
        self.handle = handle
        self.numbers = handle.numbers
    }

    /// Ends the registration and gives the memory back. Work requests that still name it fail.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

// MARK: - Parts

extension MemoryRegion {
    @inlinable public var byteCount: Int { self.numbers.byteCount }

    /// A part of the memory, for a work request. The range must lie inside.
    public subscript(range: Range<Int>) -> RegionSlice<ReadWrite> {
        @_lifetime(borrow self)
        @inlinable
        get { unsafe _overrideLifetime(RegionSlice(self.numbers, range: range), borrowing: self) }
    }

    /// The whole memory, for a work request.
    public var all: RegionSlice<ReadWrite> {
        @_lifetime(borrow self)
        @inlinable
        get { self[0..<self.byteCount] }
    }

    /// What a peer needs to reach this memory, as far as `remoteAccess` allows.
    @inlinable public var remote: RemoteRegion { self.numbers.remote }
}

// MARK: - Contents

extension MemoryRegion {
    /// A value that lies at a byte offset, which need not be aligned.
    @inlinable
    public func load<Value: BitwiseCopyable>(_ type: Value.Type, at byteOffset: Int) -> Value {
        self.numbers.load(type, at: byteOffset)
    }

    /// Puts a value at a byte offset, which need not be aligned. The memory is shared with the adapter, so this does not
    /// count as a change of the region.
    @inlinable
    public func store<Value: BitwiseCopyable>(_ value: Value, at byteOffset: Int) {
        self.numbers.store(value, at: byteOffset)
    }

    /// Puts bytes at a byte offset.
    public func copy(_ bytes: RawSpan, at byteOffset: Int) {
        self.numbers.copy(bytes, at: byteOffset)
    }

    /// The bytes, to read.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        @inlinable
        get {
            // SAFETY: the handle keeps the pages while `self` is borrowed.
            let span = unsafe RawSpan(_unsafeStart: self.numbers.base, byteCount: self.byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes, to write.
    public var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        @inlinable
        mutating get {
            // SAFETY: the handle keeps the pages while `self` is borrowed.
            let span = unsafe MutableRawSpan(_unsafeStart: self.numbers.base, byteCount: self.byteCount)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }
}
