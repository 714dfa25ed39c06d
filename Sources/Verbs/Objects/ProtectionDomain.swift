internal import CVerbs

/// Groups the objects that may be used together: a queue pair reaches only memory of its own domain.
public struct ProtectionDomain: ~Copyable, Sendable {
    internal let handle: DomainHandle

    /// Makes a domain on an open device, which it keeps open.
    public init(on context: borrowing Context) throws(VerbsError) {
        self.handle = try DomainHandle(context.handle)
    }

    /// Frees the domain now.
    ///
    /// - Throws: ``VerbsError/Code/busy`` while objects of it live; it then goes with the last of them.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

/// Holds a domain until its last object is gone.
@safe
internal final class DomainHandle {
    let context: ContextHandle
    // SAFETY: allocated until `destroyer` has freed it.
    let raw: UnsafeMutablePointer<ibv_pd>
    private let destroyer = Destroyer()

    init(_ context: ContextHandle) throws(VerbsError) {
        guard let raw = unsafe context.functions.allocateDomain(context.raw) else { throw .last("ibv_alloc_pd") }
        self.context = context
        unsafe self.raw = unsafe raw
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.context.functions.deallocateDomain(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_dealloc_pd") { unsafe self.context.functions.deallocateDomain(self.raw) }
    }
}

// SAFETY: verbs may be called from any thread.
extension DomainHandle: @unchecked Sendable {}
