internal import CVerbs
internal import Glibc
internal import SystemIO

/// Holds a memory window, and the regions that it may be bound to.
@safe
internal final class WindowHandle {
    let domain: DomainHandle
    let isType2: Bool
    // SAFETY: made until `destroyer` has freed it.
    let raw: UnsafeMutablePointer<ibv_mw>
    private let bindFunction: BindFunction
    private let freeFunction: FreeFunction
    private let destroyer = Destroyer()
    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var key: UInt32
    /// Each that it was ever bound to: which it is bound to now, only the adapter knows.
    private var regions: [RegionHandle] = []

    typealias BindFunction =
        @convention(c) (
            UnsafeMutablePointer<ibv_qp>?, UnsafeMutablePointer<ibv_mw>?, UnsafeMutablePointer<ibv_mw_bind>?
        )
        -> CInt
    typealias FreeFunction = @convention(c) (UnsafeMutablePointer<ibv_mw>?) -> CInt

    init(_ domain: DomainHandle, isType2: Bool) throws(VerbsError) {
        let functions = unsafe domain.context.raw.pointee.ops
        guard let make = unsafe functions.alloc_mw, let bind = unsafe functions.bind_mw,
            let free = unsafe functions.dealloc_mw
        else {
            throw VerbsError(operation: "ibv_alloc_mw", errno: EOPNOTSUPP)
        }
        guard let raw = unsafe make(domain.raw, isType2 ? IBV_MW_TYPE_2 : IBV_MW_TYPE_1) else {
            throw .last("ibv_alloc_mw", detail: "type \(isType2 ? "2" : "1")")
        }
        self.domain = domain
        self.isType2 = isType2
        unsafe self.raw = unsafe raw
        unsafe self.bindFunction = unsafe bind
        unsafe self.freeFunction = unsafe free
        self.key = unsafe raw.pointee.rkey
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.freeFunction(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_dealloc_mw") { unsafe self.freeFunction(self.raw) }
    }
}

// SAFETY: verbs may be called from any thread.
extension WindowHandle: @unchecked Sendable {}

// MARK: - Binding

extension WindowHandle {
    /// Binds a window of type 1, or takes its key away when there is no range.
    ///
    /// - Returns: The new key.
    func bindType1(
        _ pair: PairHandle,
        _ range: WindowRange?,
        id: UInt64,
        options: SendOptions
    ) throws(VerbsError) -> RKey {
        var bind = unsafe ibv_mw_bind()
        unsafe bind.wr_id = id
        unsafe bind.send_flags = options.rawValue
        if let range {
            unsafe bind.bind_info.mr = unsafe range.region.raw
            unsafe bind.bind_info.addr = range.address
            unsafe bind.bind_info.length = UInt64(range.byteCount)
            unsafe bind.bind_info.mw_access_flags = range.access.rawValue
        }
        // Under the lock, so that the key which is read is that of this bind.
        return try self.lock.withLock { () throws(VerbsError) in
            self.keep(range)
            let result = unsafe self.bindFunction(pair.raw, self.raw, &bind)
            guard result == 0 else { throw pair.postFailure("ibv_bind_mw", result, requestIndex: 0) }
            self.key = unsafe self.raw.pointee.rkey
            return RKey(rawValue: self.key)
        }
    }

    /// Makes a work request that binds a window of type 2.
    ///
    /// - Returns: The key that it will have.
    @unsafe
    func fillBind(_ request: UnsafeMutablePointer<RawSendRequest>, _ range: WindowRange) -> RKey {
        let key = self.lock.withLock {
            self.keep(range)
            // The lowest byte is the program's: each bind has its own.
            self.key = self.key & ~0xFF | (self.key &+ 1) & 0xFF
            return self.key
        }
        unsafe request.pointee.opcode = RawOpcode.bindWindow
        unsafe request.pointee.bind.window = unsafe UnsafeMutableRawPointer(self.raw)
        unsafe request.pointee.bind.rKey = key
        unsafe request.pointee.bind.region = unsafe UnsafeMutableRawPointer(range.region.raw)
        unsafe request.pointee.bind.address = range.address
        unsafe request.pointee.bind.byteCount = UInt64(range.byteCount)
        unsafe request.pointee.bind.access = range.access.rawValue
        return RKey(rawValue: key)
    }

    /// Makes a work request that takes away the key of a window of type 2.
    @unsafe
    func fillInvalidate(_ request: UnsafeMutablePointer<RawSendRequest>) {
        unsafe request.pointee.opcode = RawOpcode.localInvalidate
        unsafe request.pointee.immediate = self.lock.withLock { self.key }
    }

    private func keep(_ range: WindowRange?) {
        guard let region = range?.region, !self.regions.contains(where: { $0 === region }) else { return }
        self.regions.append(region)
    }
}

/// What a window is bound to.
internal struct WindowRange {
    let region: RegionHandle
    let address: UInt64
    let byteCount: Int
    let access: RemoteAccess

    /// - Throws: ``VerbsError/Code/invalidArgument`` for what an adapter would refuse, or fail the queue pair for.
    init(
        _ window: WindowHandle,
        _ region: RegionHandle,
        _ range: Range<Int>,
        _ access: RemoteAccess
    ) throws(VerbsError) {
        region.numbers.check(range)
        func require(_ condition: Bool, _ detail: String) throws(VerbsError) {
            guard condition else {
                let operation = window.isType2 ? "ibv_post_send (IBV_WR_BIND_MW)" : "ibv_bind_mw"
                throw VerbsError(.invalidArgument, operation: operation, detail: detail)
            }
        }
        try require(!range.isEmpty, "the range is empty; unbind(_:id:options:) takes a key away")
        try require(region.allowsWindows, "the region was registered without RemoteAccess.windows")
        try require(region.domain === window.domain, "the window and the region are of different protection domains")
        try require(
            access.isSubset(of: [.read, .write, .atomic]),
            "remoteAccess 0x\(String(access.rawValue, radix: 16)); a window gives .read, .write and .atomic"
        )
        self.region = region
        self.address = region.numbers.address &+ UInt64(range.lowerBound)
        self.byteCount = range.count
        self.access = access
    }

    func remote(_ key: RKey) -> RemoteRegion {
        RemoteRegion(address: self.address, byteCount: self.byteCount, rKey: key)
    }
}
