internal import CVerbs

/// A registration of memory that the program has already, for as long as the compiler sees the memory borrowed.
///
/// ```swift
/// let domain = try ProtectionDomain(on: VerbsLibrary.embedded.device().open())
/// let text = Array("hello".utf8)
/// let region = try BorrowedRegion(text.span.bytes, in: domain)
/// ```
///
/// The array can be neither changed nor freed while `region` is in use. The registration ends with the value, and when that has
/// happened, no adapter touches the memory any more: requests that are still under way then fail.
///
/// Pages are registered whole. Of memory from `malloc`, neighbours on the same page are taken along: see
/// `VERBENA_FORK_CHECK` for what that means to children of `fork`.
@safe
public struct BorrowedRegion<Access: LocalAccess>: ~Copyable, ~Escapable {
    // SAFETY: the memory is borrowed for the lifetime of the value, and `deinit` ends the registration.
    private let handle: RegionHandle
    @usableFromInline internal let numbers: RawRegion

    @_lifetime(immortal)
    private init(_ handle: RegionHandle) {
        self.handle = handle
        self.numbers = handle.numbers
    }

    deinit {
        try? self.handle.close()
    }
}

extension BorrowedRegion where Access == ReadOnly {
    /// Registers memory that is only read.
    ///
    /// - Parameters:
    ///   - bytes: The memory.
    ///   - domain: Whose queue pairs may use it.
    ///   - remoteAccess: ``RemoteAccess/read`` or nothing.
    @_lifetime(copy bytes)
    public init(
        _ bytes: RawSpan,
        in domain: borrowing ProtectionDomain,
        remoteAccess: RemoteAccess = []
    ) throws(VerbsError) {
        let domain = domain.handle
        let handle = unsafe try bytes.withUnsafeBytes { bytes throws(VerbsError) in
            unsafe try RegionHandle(domain: domain, borrowing: bytes, flags: ReadOnly.flags(remoteAccess))
        }
        self.handle = handle
        self.numbers = handle.numbers
    }
}

extension BorrowedRegion where Access == ReadWrite {
    /// Registers memory that may be written.
    @_lifetime(copy bytes)
    public init(
        _ bytes: consuming MutableRawSpan,
        in domain: borrowing ProtectionDomain,
        remoteAccess: RemoteAccess = []
    ) throws(VerbsError) {
        let domain = domain.handle
        let handle = unsafe try bytes.withUnsafeMutableBytes { bytes throws(VerbsError) in
            unsafe try RegionHandle(
                domain: domain,
                borrowing: UnsafeRawBufferPointer(bytes),
                flags: ReadWrite.flags(remoteAccess)
            )
        }
        self.handle = handle
        self.numbers = handle.numbers
    }
}

extension BorrowedRegion {
    @inlinable public var byteCount: Int { self.numbers.byteCount }

    /// A part of the memory, for a work request. The range must lie inside.
    public subscript(range: Range<Int>) -> RegionSlice<Access> {
        @_lifetime(borrow self)
        @inlinable
        get { unsafe _overrideLifetime(RegionSlice(self.numbers, range: range), borrowing: self) }
    }

    /// The whole memory, for a work request.
    public var all: RegionSlice<Access> {
        @_lifetime(borrow self)
        @inlinable
        get { self[0..<self.byteCount] }
    }

    /// What a peer needs to reach this memory, as far as `remoteAccess` allows.
    @inlinable public var remote: RemoteRegion { self.numbers.remote }
}
