internal import CVerbs
internal import Glibc

/// Holds a registration, and the pages where they are its own.
@safe
internal final class RegionHandle {
    let domain: DomainHandle
    // SAFETY: registered until `destroyer` has undone it. The bytes behind `base` live at least as long: they are `pages`, or
    // what the caller of `init(domain:borrowing:…)` vouches for.
    let raw: UnsafeMutablePointer<ibv_mr>
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let destroyer = Destroyer()
    // Destroyed after `deinit`, when the registration is gone.
    private let pages: PageMemory?

    init(domain: DomainHandle, byteCount: Int, pages kind: PageKind, flags: CInt) throws(VerbsError) {
        let pages = try PageMemory(byteCount: byteCount, pages: kind)
        unsafe self.base = unsafe pages.base
        unsafe self.raw = unsafe try Self.register(domain, pages.base, byteCount, flags)
        self.domain = domain
        self.byteCount = byteCount
        self.pages = consume pages
    }

    /// - Parameter bytes: They outlive the handle.
    @unsafe
    init(domain: DomainHandle, borrowing bytes: UnsafeRawBufferPointer, flags: CInt) throws(VerbsError) {
        guard let base = bytes.baseAddress, unsafe !bytes.isEmpty else {
            throw VerbsError(.invalidArgument, operation: "ibv_reg_mr", detail: "there are no bytes to register")
        }
        unsafe self.base = unsafe UnsafeMutableRawPointer(mutating: base)
        unsafe self.raw = unsafe try Self.register(domain, UnsafeMutableRawPointer(mutating: base), bytes.count, flags)
        self.domain = domain
        self.byteCount = bytes.count
        self.pages = nil
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.domain.context.functions.deregisterRegion(self.raw) }
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

// MARK: - Contents

extension RegionHandle {
    func load<Value: BitwiseCopyable>(_ type: Value.Type, at byteOffset: Int) -> Value {
        self.check(byteOffset, MemoryLayout<Value>.size)
        return unsafe self.base.loadUnaligned(fromByteOffset: byteOffset, as: type)
    }

    func store<Value: BitwiseCopyable>(_ value: Value, at byteOffset: Int) {
        self.check(byteOffset, MemoryLayout<Value>.size)
        unsafe self.base.storeBytes(of: value, toByteOffset: byteOffset, as: Value.self)
    }

    func copy(_ bytes: RawSpan, at byteOffset: Int) {
        self.check(byteOffset, bytes.byteCount)
        unsafe bytes.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe (self.base + byteOffset).copyMemory(from: source, byteCount: bytes.count)
        }
    }

    private func check(_ byteOffset: Int, _ byteCount: Int) {
        precondition(
            byteOffset >= 0 && byteCount <= self.byteCount && byteOffset <= self.byteCount - byteCount,
            "the bytes reach beyond the region"
        )
    }
}

// SAFETY: verbs may be called from any thread. Who reads and writes the bytes when is the program's agreement with its peers,
// as with every memory that an adapter writes.
extension RegionHandle: @unchecked Sendable {}
