internal import CVerbs
internal import Glibc
internal import Segment
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): windows, regions, domains and queue pairs are pointers that this library returned and did not free,
// as the manual demands of the caller.

/// Makes a window that is not bound. See ibv_alloc_mw(3).
internal func allocateWindow(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ type: ibv_mw_type
) -> UnsafeMutablePointer<ibv_mw>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        guard let windowType = MemoryWindowType(rawValue: UInt8(clamping: type.rawValue)) else {
            throw .invalidArgument
        }
        let window = try MemoryWindow(domain: unsafe domain.adapter, type: windowType)
        let handle: UnsafeMutablePointer<MemoryWindowHandle>
        do throws(Errno) {
            unsafe handle = unsafe try MemoryWindowHandle.make(window)
        } catch {
            try? window.close()
            throw error
        }
        unsafe handle.pointee.base.context = domain.pointee.context
        unsafe handle.pointee.base.pd = domain
        unsafe handle.pointee.base.rkey = window.key
        unsafe handle.pointee.base.handle = window.key
        unsafe handle.pointee.base.type = type
        return unsafe handle.base()
    }
}

/// Unbinds a window and frees it. See ibv_alloc_mw(3).
internal func deallocateWindow(_ window: UnsafeMutablePointer<ibv_mw>?) -> CInt {
    returningErrno { () throws(Errno) in
        let window = unsafe try window.orInvalid()
        let adapter: MemoryWindow = unsafe window.object().takeUnretainedValue()
        try adapter.close()
        unsafe window.destroy(MemoryWindow.self)
    }
}

/// Posts a bind of a window of type 1, and says which key it will have. See ibv_bind_mw(3).
internal func bindWindow(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ window: UnsafeMutablePointer<ibv_mw>?,
    _ bind: UnsafeMutablePointer<ibv_mw_bind>?
) -> CInt {
    guard let queuePair = unsafe queuePair, let window = unsafe window, let bind = unsafe bind?.pointee else {
        return EINVAL
    }
    let adapter: MemoryWindow = unsafe window.object().takeUnretainedValue()
    guard adapter.type == .type1, let binding = unsafe MemoryBinding(bind.bind_info) else { return EINVAL }
    let object = unsafe queuePair.adapter
    if let error = object.beginSend() { return error.rawValue }
    // Taken under the lock, so that binds take effect in the order of their keys.
    let key = adapter.takeNextKey()
    let request = SendWorkRequest(
        workRequestID: unsafe bind.wr_id,
        opcode: IBV_WR_BIND_MW.rawValue,
        flags: unsafe bind.send_flags
    )
    if let error = object.appendBind(request, key: key, to: binding) {
        object.abortSend()
        return error.rawValue
    }
    unsafe window.pointee.rkey = key
    object.commitSend()
    return 0
}

extension MemoryBinding {
    /// What a program wants a window to be bound to; `nil` when it asks for rights that no window has, or names a range
    /// but no region.
    internal init?(_ info: ibv_mw_bind_info) {
        let wanted = unsafe AccessFlags(rawValue: info.mw_access_flags)
        let access = wanted.intersection([.remote, .zeroBased])
        // Programs name what a region would need beside the rights of peers; drivers pass over it.
        let idle: AccessFlags = [.localWrite, .relaxedOrdering]
        guard wanted.subtracting(idle) == access, unsafe info.mr != nil || (info.addr == 0 && info.length == 0) else {
            return nil
        }
        unsafe self.init(
            regionKey: info.mr?.pointee.lkey ?? 0,
            address: info.addr,
            byteCount: info.length,
            access: access,
            domain: 0,
            queuePair: 0
        )
    }
}

extension QueuePair {
    /// Appends a bind of a window of type 2 to a batch.
    ///
    /// - Returns: `nil`, or why it was not taken: `EINVAL` when the window is not of type 2, or the key is none of its.
    internal func appendBind(
        _ request: SendWorkRequest,
        _ window: UnsafeMutablePointer<ibv_mw>?,
        key: UInt32,
        _ info: ibv_mw_bind_info
    ) -> Errno? {
        guard let window = unsafe window, let binding = unsafe MemoryBinding(info) else { return .invalidArgument }
        let isOwn = unsafe window.object(MemoryWindow.self)._withUnsafeGuaranteedRef {
            $0.type == .type2 && $0.owns(key)
        }
        guard isOwn else { return .invalidArgument }
        return self.appendBind(request, key: key, to: binding)
    }
}
