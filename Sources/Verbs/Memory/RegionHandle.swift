internal import CVerbs
internal import Glibc

/// Holds a registration, and the pages where they are its own.
@safe
internal final class RegionHandle {
    let domain: DomainHandle
    // SAFETY: registered until `destroyer` has undone it.
    let raw: UnsafeMutablePointer<ibv_mr>
    /// Its bytes live at least as long as the registration: they are `pages`, or what the caller of
    /// `init(domain:borrowing:…)` vouches for.
    let numbers: RawRegion
    /// Whether memory windows may be bound to it.
    let allowsWindows: Bool
    private let destroyer = Destroyer()
    // Destroyed after `deinit`, when the registration is gone.
    private var pages: PageMemory?

    init(domain: DomainHandle, byteCount: Int, pages kind: PageKind, flags: CInt) throws(VerbsError) {
        let pages = try PageMemory(byteCount: byteCount, pages: kind)
        let raw = unsafe try Self.register(domain, pages.base, byteCount, flags)
        unsafe self.raw = unsafe raw
        self.numbers = unsafe RawRegion(base: pages.base, byteCount: byteCount, registeredAs: raw)
        self.allowsWindows = flags & CInt(IBV_ACCESS_MW_BIND.rawValue) != 0
        self.domain = domain
        self.pages = consume pages
    }

    /// - Parameter bytes: They outlive the handle.
    @unsafe
    init(domain: DomainHandle, borrowing bytes: UnsafeRawBufferPointer, flags: CInt) throws(VerbsError) {
        guard let address = bytes.baseAddress, unsafe !bytes.isEmpty else {
            throw VerbsError(.invalidArgument, operation: "ibv_reg_mr", detail: "there are no bytes to register")
        }
        let base = unsafe UnsafeMutableRawPointer(mutating: address)
        let raw = unsafe try Self.register(domain, base, bytes.count, flags)
        unsafe self.raw = unsafe raw
        self.numbers = unsafe RawRegion(base: base, byteCount: bytes.count, registeredAs: raw)
        // The memory of a borrowed region goes when the program says, whether a window is bound to it or not.
        self.allowsWindows = false
        self.domain = domain
        self.pages = nil
    }

    deinit {
        let isGone = self.destroyer.destroySilently {
            unsafe self.domain.context.functions.deregisterRegion(self.raw)
        }
        // What an adapter may still write to must not become anybody else's memory.
        if !isGone, let pages = self.pages.take() { pages.leave() }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_dereg_mr") {
            unsafe self.domain.context.functions.deregisterRegion(self.raw)
        }
    }

    @unsafe
    private static func register(
        _ domain: DomainHandle,
        _ base: UnsafeMutableRawPointer,
        _ byteCount: Int,
        _ flags: CInt
    ) throws(VerbsError) -> UnsafeMutablePointer<ibv_mr> {
        guard let raw = unsafe domain.context.functions.registerRegion(domain.raw, base, byteCount, flags) else {
            let reason = Glibc.errno
            let limit = reason == ENOMEM ? "; is the limit of locked memory (`ulimit -l`) too low?" : ""
            throw VerbsError(
                operation: "ibv_reg_mr",
                errno: reason,
                detail: "\(byteCount) bytes, access 0x\(String(flags, radix: 16))\(limit)"
            )
        }
        return unsafe raw
    }
}

// SAFETY: verbs may be called from any thread.
extension RegionHandle: @unchecked Sendable {}

extension RawRegion {
    @unsafe
    fileprivate init(base: UnsafeMutableRawPointer, byteCount: Int, registeredAs raw: UnsafeMutablePointer<ibv_mr>) {
        unsafe self.init(base: base, byteCount: byteCount, lKey: raw.pointee.lkey, rKey: raw.pointee.rkey)
    }
}
