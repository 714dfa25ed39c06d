import Glibc
internal import Synchronization

/// Copies of pages that the parent keeps to itself (`MADV_DONTFORK`) and that a forked child gets all the same, as memory of
/// its own at the same addresses.
///
/// The parent copies before the fork, into memory that the child inherits; the child maps and fills the pages before it does
/// anything else. Only static variables and memory straight from the kernel are touched, because whatever else the
/// library has may lie on these very pages. One fork at a time, as the fork handlers of one account are.
package enum PageCopies {
    /// More pages than this are not copied: 16 MiB.
    package static let pageCountMax = 4096

    /// The memory with the copies, which lie behind the addresses they come from; 0 when there is none.
    private static let base = Atomic<UInt>(0)
    private static let count = Atomic<Int>(0)

    private static var pageByteCount: Int { Int(PageAdvice.pageByteCount) }
    private static var addressesByteCount: Int { pageCountMax * MemoryLayout<UInt>.stride }
    private static var byteCount: Int { addressesByteCount + pageCountMax * pageByteCount }

    /// Copies the page at `address`, a multiple of the page size. Does nothing when it is not there, or there is no room.
    package static func add(_ address: UInt) {
        guard let base = unsafe self.memory else { return }
        let count = self.count.load(ordering: .relaxed)
        guard count < self.pageCountMax, let page = unsafe UnsafeRawPointer(bitPattern: address) else { return }
        // SAFETY: the target is the place of this number in the own memory; the source may be missing.
        guard unsafe FaultGuard.copy(self.pageByteCount, from: page, to: self.copy(count, base)) else { return }
        unsafe base.storeBytes(of: address, toByteOffset: count * MemoryLayout<UInt>.stride, as: UInt.self)
        self.count.store(count + 1, ordering: .relaxed)
    }

    /// In the child, puts every copy where its page is missing, and forgets them.
    package static func restoreInChild() {
        guard let base = unsafe self.knownMemory else { return }
        // Where something is mapped, the child has the page already. Kernels before 4.17 take the flag for a wish.
        let kind = MAP_PRIVATE | MAP_ANONYMOUS | CInt(MAP_FIXED_NOREPLACE)
        for index in 0..<self.count.load(ordering: .relaxed) {
            let offset = index * MemoryLayout<UInt>.stride
            let wanted = unsafe UnsafeMutableRawPointer(bitPattern: base.load(fromByteOffset: offset, as: UInt.self))
            let page = unsafe mmap(wanted, self.pageByteCount, PROT_READ | PROT_WRITE, kind, -1, 0)
            guard let page = unsafe page, unsafe page != MAP_FAILED else { continue }
            if unsafe page == wanted {
                unsafe page.copyMemory(from: self.copy(index, base), byteCount: self.pageByteCount)
            } else {
                _ = unsafe munmap(page, self.pageByteCount)
            }
        }
        self.discard()
    }

    /// Forgets the copies.
    package static func discard() {
        self.count.store(0, ordering: .relaxed)
        guard let base = unsafe self.knownMemory else { return }
        self.base.store(0, ordering: .relaxed)
        unsafe AnonymousMemory.free(base, byteCount: self.byteCount)
    }

    private static var knownMemory: UnsafeMutableRawPointer? {
        unsafe UnsafeMutableRawPointer(bitPattern: self.base.load(ordering: .relaxed))
    }

    /// The memory, made now if there is none. Only what is written takes any.
    private static var memory: UnsafeMutableRawPointer? {
        if let known = unsafe self.knownMemory { return unsafe known }
        guard let made = unsafe AnonymousMemory.allocate(byteCount: self.byteCount) else { return nil }
        self.base.store(UInt(bitPattern: made), ordering: .relaxed)
        return unsafe made
    }

    private static func copy(_ index: Int, _ base: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        unsafe base + self.addressesByteCount + index * self.pageByteCount
    }
}
