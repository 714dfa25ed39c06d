internal import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO

/// The memory behind `ibv_context`: the table of verbs that lies *before* it, and the adapter's context behind it.
@unsafe
internal struct ContextHandle {
    /// Ends with the `ibv_context` that programs hold.
    internal var verbs: verbs_context
    // SAFETY: retained by `open`, released by `close`.
    internal var object: Unmanaged<Context>?
    /// `cmd_fd` is to be closed with the handle.
    internal var ownsDescriptor: Bool

    /// Completion queues need not be told apart by who is woken: there are no interrupts.
    internal static var completionVectorCount: UInt32 { 1 }

    /// Where `ibv_context` lies in this struct: it is the last field of `verbs_context`.
    fileprivate static var contextOffset: Int {
        unsafe MemoryLayout<verbs_context>.size - MemoryLayout<ibv_context>.size
    }

    /// What `__VERBS_ABI_IS_EXTENDED` is in C: there is a table of verbs before the context.
    private static var isExtendedMark: UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: -1) }
}

// MARK: - Opening

extension ContextHandle {
    /// Opens a device.
    ///
    /// - Throws: `ENOMEM`, and what the adapter throws.
    internal static func open(
        _ device: Device,
        as pointer: UnsafeMutablePointer<ibv_device>
    ) throws(Errno) -> UnsafeMutablePointer<ibv_context> {
        let object = try Context(device: device)
        do throws(Errno) {
            return unsafe try self.expose(object, as: pointer, importedDescriptor: nil)
        } catch {
            try? object.close()
            throw error
        }
    }

    /// Puts a C struct in front of a context, which may have another already.
    ///
    /// - Parameter importedDescriptor: By which it was found; the new handle closes it in the end.
    /// - Throws: `ENOMEM`.
    internal static func expose(
        _ object: Context,
        as pointer: UnsafeMutablePointer<ibv_device>,
        importedDescriptor: CInt?
    ) throws(Errno) -> UnsafeMutablePointer<ibv_context> {
        let handle = unsafe try CMemory.allocate(ContextHandle.self)
        // SAFETY: the context lies inside the handle.
        let context = unsafe (UnsafeMutableRawPointer(handle) + contextOffset).assumingMemoryBound(to: ibv_context.self)
        unsafe handle.pointee.object = .passRetained(object)
        unsafe handle.pointee.ownsDescriptor = importedDescriptor != nil
        unsafe handle.pointee.verbs.sz = MemoryLayout<verbs_context>.size
        unsafe handle.pointee.verbs.setVerbs()
        unsafe context.pointee.ops.setVerbs()
        unsafe context.pointee.device = pointer
        unsafe context.pointee.cmd_fd = importedDescriptor ?? object.commandFile.rawDescriptor
        unsafe context.pointee.async_fd = object.asyncEvents.fileDescriptor
        unsafe context.pointee.num_comp_vectors = CInt(completionVectorCount)
        unsafe context.pointee.abi_compat = isExtendedMark
        _ = unsafe pthread_mutex_init(&context.pointee.mutex, nil)
        return unsafe context
    }

    /// Closes a context and frees it.
    ///
    /// - Throws: What the adapter throws; the context is then still open.
    internal static func close(_ context: UnsafeMutablePointer<ibv_context>) throws(Errno) {
        let handle = unsafe context.handle
        // SAFETY: the caller owns the context, which is a live one.
        let object = unsafe context.object.takeUnretainedValue()
        try object.close()
        if unsafe handle.pointee.ownsDescriptor { OwnedDescriptor(takingOver: unsafe context.pointee.cmd_fd).close() }
        unsafe handle.pointee.object?.release()
        unsafe CMemory.free(handle)
    }
}

// MARK: - From C

extension UnsafeMutablePointer where Pointee == ibv_context {
    // SAFETY: the pointer is one that `ContextHandle.open` returned and `close` did not free, as the manual demands.

    /// The whole of which this context is a part.
    @inline(always)
    internal var handle: UnsafeMutablePointer<ContextHandle> {
        unsafe (UnsafeMutableRawPointer(self) - ContextHandle.contextOffset)
            .assumingMemoryBound(to: ContextHandle.self)
    }

    /// The adapter's context.
    @inline(always)
    internal var object: Unmanaged<Context> {
        unsafe self.handle.pointee.object.unsafelyUnwrapped
    }

    /// The adapter's context, for calls that are not on the data path.
    internal var adapter: Context { unsafe self.object.takeUnretainedValue() }
}
