internal import CVerbs

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
@safe
public struct SendRequest<Service: QueuePairService>: ~Escapable {
    internal let opcode: ibv_wr_opcode
    internal let element: ibv_sge
    internal var immediate: UInt32 = 0
    internal var remoteAddress: UInt64 = 0
    /// Of a datagram: the receiver's queue pair.
    internal var rKeyOrQPN: UInt32 = 0
    internal var qKey: UInt32 = 0
    internal var compareAdd: UInt64 = 0
    internal var swap: UInt64 = 0
    // SAFETY: the request does not outlive the address handle.
    internal var addressHandle: UnsafeMutablePointer<ibv_ah>?

    @_lifetime(copy slice)
    @inline(always)
    internal init<Access>(_ opcode: ibv_wr_opcode, _ slice: RegionSlice<Access>, immediate: UInt32?) {
        self.opcode = opcode
        self.element = slice.element
        self.immediate = (immediate ?? 0).bigEndian
    }

    @inline(always)
    internal mutating func setRemote(_ remote: RemoteRegion) {
        precondition(Int(self.element.length) <= remote.byteCount, "the local memory is longer than the remote")
        self.remoteAddress = remote.address
        self.rKeyOrQPN = remote.rKey.rawValue
    }
}

// SAFETY: a request holds numbers, and a pointer that is handed on and not followed.
extension SendRequest: @unchecked Sendable {}

// MARK: - RC and UC

extension SendRequest where Service: ConnectedService {
    /// A message that consumes a receive request of the peer.
    @_lifetime(copy slice)
    public static func send<Access>(_ slice: RegionSlice<Access>, immediate: UInt32? = nil) -> SendRequest {
        SendRequest(immediate == nil ? IBV_WR_SEND : IBV_WR_SEND_WITH_IMM, slice, immediate: immediate)
    }

    /// Writes to the peer's memory. With `immediate` it also consumes a receive request there, which carries the number.
    @_lifetime(copy slice)
    public static func write<Access>(
        _ slice: RegionSlice<Access>,
        to remote: RemoteRegion,
        immediate: UInt32? = nil
    ) -> SendRequest {
        let opcode = immediate == nil ? IBV_WR_RDMA_WRITE : IBV_WR_RDMA_WRITE_WITH_IMM
        var request = SendRequest(opcode, slice, immediate: immediate)
        request.setRemote(remote)
        return request
    }
}

// MARK: - RC

extension SendRequest where Service == RC {
    /// Reads from the peer's memory, as many bytes as `slice` is long.
    @_lifetime(copy slice)
    public static func read(into slice: RegionSlice<ReadWrite>, from remote: RemoteRegion) -> SendRequest {
        var request = SendRequest(IBV_WR_RDMA_READ, slice, immediate: nil)
        request.setRemote(remote)
        return request
    }

    /// Adds to a number in the peer's memory, and brings what was there before.
    ///
    /// - Parameters:
    ///   - addend: Wraps around.
    ///   - remote: The number, at an address that is a multiple of 8.
    ///   - slice: Eight bytes for the former value, in the byte order of this host.
    @_lifetime(copy slice)
    public static func fetchAndAdd(
        _ addend: UInt64,
        to remote: RemoteValue<UInt64>,
        formerInto slice: RegionSlice<ReadWrite>
    ) -> SendRequest {
        precondition(slice.byteCount == 8, "an atomic brings 8 bytes")
        var request = SendRequest(IBV_WR_ATOMIC_FETCH_AND_ADD, slice, immediate: nil)
        request.setRemote(remote.region)
        request.compareAdd = addend
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
    public static func compareAndSwap(
        _ remote: RemoteValue<UInt64>,
        expected: UInt64,
        desired: UInt64,
        formerInto slice: RegionSlice<ReadWrite>
    ) -> SendRequest {
        precondition(slice.byteCount == 8, "an atomic brings 8 bytes")
        var request = SendRequest(IBV_WR_ATOMIC_CMP_AND_SWP, slice, immediate: nil)
        request.setRemote(remote.region)
        request.compareAdd = expected
        request.swap = desired
        return request
    }
}

// MARK: - UD

extension SendRequest where Service == UD {
    /// A datagram, at most as long as the port's MTU.
    @_lifetime(copy slice, borrow address)
    public static func send<Access>(
        _ slice: RegionSlice<Access>,
        to address: borrowing AddressHandle,
        qpn: QPN,
        qKey: QKey,
        immediate: UInt32? = nil
    ) -> SendRequest {
        let opcode = immediate == nil ? IBV_WR_SEND : IBV_WR_SEND_WITH_IMM
        var request = SendRequest(opcode, slice, immediate: immediate)
        request.rKeyOrQPN = qpn.rawValue
        request.qKey = qKey.rawValue
        unsafe request.addressHandle = unsafe address.handle.raw
        return request
    }
}

// MARK: - C

extension SendRequest {
    /// Writes the request into a C struct, but for its elements and its successor.
    @inline(always)
    @unsafe
    internal func store(into request: UnsafeMutablePointer<ibv_send_wr>, id: UInt64, options: SendOptions) {
        unsafe request.pointee.wr_id = id
        unsafe request.pointee.num_sge = self.element.length == 0 ? 0 : 1
        unsafe request.pointee.opcode = self.opcode
        unsafe request.pointee.send_flags = options.rawValue
        unsafe request.pointee.imm_data = self.immediate
        if Service.serviceKind == .unreliableDatagram {
            unsafe request.pointee.wr.ud.ah = unsafe self.addressHandle
            unsafe request.pointee.wr.ud.remote_qpn = self.rKeyOrQPN
            unsafe request.pointee.wr.ud.remote_qkey = self.qKey
        } else if self.opcode == IBV_WR_ATOMIC_FETCH_AND_ADD || self.opcode == IBV_WR_ATOMIC_CMP_AND_SWP {
            unsafe request.pointee.wr.atomic.remote_addr = self.remoteAddress
            unsafe request.pointee.wr.atomic.compare_add = self.compareAdd
            unsafe request.pointee.wr.atomic.swap = self.swap
            unsafe request.pointee.wr.atomic.rkey = self.rKeyOrQPN
        } else {
            unsafe request.pointee.wr.rdma.remote_addr = self.remoteAddress
            unsafe request.pointee.wr.rdma.rkey = self.rKeyOrQPN
        }
    }
}
