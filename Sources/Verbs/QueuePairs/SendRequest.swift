/// What a send queue is asked to do: `.send`, `.write`, `.read` and so on, as far as the service has them.
///
/// It names memory and cannot outlive it; it is made where it is posted:
///
/// ```swift
/// func put(
///     _ queuePair: borrowing QueuePair<RC, ReadyToSend>,
///     _ region: borrowing MemoryRegion,
///     _ remote: RemoteRegion
/// ) throws(VerbsError) {
///     try queuePair.post(.write(region[0..<64], to: remote[0..<64]), id: 1)
/// }
/// ```
public struct SendRequest<Service: QueuePairService>: ~Escapable, Sendable {
    @usableFromInline internal let opcode: UInt32
    @usableFromInline internal let element: RawElement
    // As `RawSendRequest` has them.
    @usableFromInline internal var immediate: UInt32 = 0
    @usableFromInline internal var word0: UInt64 = 0
    @usableFromInline internal var word1: UInt64 = 0
    @usableFromInline internal var word2: UInt64 = 0
    @usableFromInline internal var word3: UInt32 = 0

    @_lifetime(copy slice)
    @inlinable
    @inline(always)
    internal init<Access>(_ opcode: UInt32, _ slice: RegionSlice<Access>) {
        self.opcode = opcode
        self.element = slice.element
    }

    @inlinable
    @inline(always)
    internal mutating func setRemote(_ remote: RemoteRegion) {
        precondition(Int(self.element.byteCount) <= remote.byteCount, "the local memory is longer than the remote")
        self.word0 = remote.address
        self.word1 = UInt64(remote.rKey.rawValue)
    }

    @inlinable
    @inline(always)
    internal mutating func setAtomic(_ remote: RemoteValue<UInt64>, compareAdd: UInt64, swap: UInt64) {
        precondition(self.element.byteCount == 8, "an atomic brings 8 bytes")
        self.word0 = remote.region.address
        self.word1 = compareAdd
        self.word2 = swap
        self.word3 = remote.region.rKey.rawValue
    }
}

// MARK: - RC and UC

extension SendRequest where Service: ConnectedService {
    /// A message that consumes a receive request of the peer.
    ///
    /// - Parameters:
    ///   - slice: The bytes.
    ///   - immediate: A number that the receiver's completion carries.
    @_lifetime(copy slice)
    @inlinable
    @inline(always)
    public static func send<Access>(_ slice: RegionSlice<Access>, immediate: UInt32? = nil) -> SendRequest {
        var request = SendRequest(immediate == nil ? RawOpcode.send : RawOpcode.sendWithImmediate, slice)
        request.immediate = (immediate ?? 0).bigEndian
        return request
    }

    /// Writes to the peer's memory. With `immediate` it also consumes a receive request there, which carries the number.
    ///
    /// - Parameters:
    ///   - slice: The bytes, which must not be more than `remote` is long.
    ///   - remote: Where they are put, from its beginning on.
    ///   - immediate: A number that the receiver's completion carries.
    @_lifetime(copy slice)
    @inlinable
    @inline(always)
    public static func write<Access>(
        _ slice: RegionSlice<Access>,
        to remote: RemoteRegion,
        immediate: UInt32? = nil
    ) -> SendRequest {
        var request = SendRequest(immediate == nil ? RawOpcode.write : RawOpcode.writeWithImmediate, slice)
        request.immediate = (immediate ?? 0).bigEndian
        request.setRemote(remote)
        return request
    }
}

// MARK: - RC

extension SendRequest where Service == RC {
    /// Reads from the peer's memory.
    ///
    /// - Parameters:
    ///   - slice: Where the bytes are put: as many as it is long, which must not be more than `remote` is.
    ///   - remote: The peer's memory, read from its beginning on.
    @_lifetime(copy slice)
    @inlinable
    @inline(always)
    public static func read(into slice: RegionSlice<ReadWrite>, from remote: RemoteRegion) -> SendRequest {
        var request = SendRequest(RawOpcode.read, slice)
        request.setRemote(remote)
        return request
    }

    /// A message that also takes away the peer's memory window of type 2 with this key, so that nobody can use it any more.
    ///
    /// The receiver finds the key in ``WorkCompletion/invalidatedKey``. A key that names no such window, or one that is bound
    /// by another queue pair, fails the request with ``CompletionStatus/remoteAccessError`` or
    /// ``CompletionStatus/remoteOperationError``.
    ///
    /// - Parameters:
    ///   - slice: The bytes of the message.
    ///   - key: ``RemoteRegion/rKey`` of what the peer bound.
    @_lifetime(copy slice)
    @inlinable
    @inline(always)
    public static func send<Access>(_ slice: RegionSlice<Access>, invalidating key: RKey) -> SendRequest {
        var request = SendRequest(RawOpcode.sendWithInvalidate, slice)
        request.immediate = key.rawValue
        return request
    }

    /// Adds to a number in the peer's memory, and brings what was there before.
    ///
    /// - Parameters:
    ///   - addend: Wraps around.
    ///   - remote: The number, at an address that is a multiple of 8.
    ///   - slice: Eight bytes for the former value, in the byte order of this host.
    @_lifetime(copy slice)
    @inlinable
    @inline(always)
    public static func fetchAndAdd(
        _ addend: UInt64,
        to remote: RemoteValue<UInt64>,
        formerInto slice: RegionSlice<ReadWrite>
    ) -> SendRequest {
        var request = SendRequest(RawOpcode.fetchAndAdd, slice)
        request.setAtomic(remote, compareAdd: addend, swap: 0)
        return request
    }

    /// Replaces a number in the peer's memory if it is the expected one, and brings what was there before.
    ///
    /// - Parameters:
    ///   - remote: The number, at an address that is a multiple of 8.
    ///   - expected: Nothing changes when it is another.
    ///   - desired: What takes its place.
    ///   - slice: Eight bytes for the former value, in the byte order of this host.
    @_lifetime(copy slice)
    @inlinable
    @inline(always)
    public static func compareAndSwap(
        _ remote: RemoteValue<UInt64>,
        expected: UInt64,
        desired: UInt64,
        formerInto slice: RegionSlice<ReadWrite>
    ) -> SendRequest {
        var request = SendRequest(RawOpcode.compareAndSwap, slice)
        request.setAtomic(remote, compareAdd: expected, swap: desired)
        return request
    }
}

// MARK: - UD

extension SendRequest where Service == UD {
    /// A datagram, at most as long as the port's MTU.
    ///
    /// - Parameters:
    ///   - slice: The bytes.
    ///   - address: The receiver's.
    ///   - qpn: The receiver's queue pair.
    ///   - qKey: The receiver's; a datagram with another is dropped.
    ///   - immediate: A number that the receiver's completion carries.
    @_lifetime(copy slice, borrow address)
    @inlinable
    @inline(always)
    public static func send<Access>(
        _ slice: RegionSlice<Access>,
        to address: borrowing AddressHandle,
        qpn: QPN,
        qKey: QKey,
        immediate: UInt32? = nil
    ) -> SendRequest {
        var request = SendRequest(immediate == nil ? RawOpcode.send : RawOpcode.sendWithImmediate, slice)
        request.immediate = (immediate ?? 0).bigEndian
        request.word0 = address.word
        request.word1 = unsafe RawSendRequest.word(qpn.rawValue, qKey.rawValue)
        return request
    }
}

// MARK: - C

extension SendRequest {
    /// Writes the request into a C struct, but for its elements and its successor.
    @inlinable
    @inline(always)
    @unsafe
    internal func store(into request: UnsafeMutablePointer<RawSendRequest>, id: UInt64, options: SendOptions) {
        unsafe request.pointee.id = id
        unsafe request.pointee.elementCount = self.element.byteCount == 0 ? 0 : 1
        unsafe request.pointee.opcode = self.opcode
        unsafe request.pointee.flags = options.rawValue
        unsafe request.pointee.immediate = self.immediate
        unsafe request.pointee.word0 = self.word0
        unsafe request.pointee.word1 = self.word1
        unsafe request.pointee.word2 = self.word2
        unsafe request.pointee.word3 = self.word3
    }
}
