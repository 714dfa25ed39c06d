internal import Glibc
internal import SystemIO

/// The kind of pages that a ``MemoryRegion`` takes from the system.
public enum PageKind: Sendable, Hashable {
    /// The machine's smallest pages.
    case standard
    /// Large pages where the kernel has them at hand, else small ones ("transparent huge pages"). Never fails for the lack.
    case huge
    /// Pages of 2 MiB that an administrator set aside (`vm.nr_hugepages`). Fails when too few are free.
    case reservedHuge
}

/// Whole pages of the process, zeroed, that children of `fork` do not get. Not responsible for registration.
@safe
internal struct PageMemory: ~Copyable {
    // SAFETY: a mapping of `mappedByteCount` bytes from `init` to `deinit`, in the process with `pid`.
    let base: UnsafeMutableRawPointer
    private let mappedBase: UnsafeMutableRawPointer
    private let mappedByteCount: Int
    private let pid = getpid()

    static var hugePageByteCount: Int { 2 << 20 }

    /// - Parameter byteCount: At least 1; rounded up to whole pages.
    init(byteCount: Int, pages: PageKind) throws(VerbsError) {
        guard byteCount > 0, byteCount <= Int.max / 2 else {
            throw VerbsError(
                .invalidArgument,
                operation: "mmap",
                detail: "a region of \(byteCount) bytes; it takes at least 1"
            )
        }
        let unit = pages == .standard ? Int(PageAdvice.pageByteCount) : Self.hugePageByteCount
        let rounded = (byteCount + unit - 1) / unit * unit
        // Transparent huge pages begin at multiples of their size: take one more and begin inside.
        let extra = pages == .huge ? unit : 0
        // MAP_HUGETLB does not import.
        let hugeTLB: CInt = pages == .reservedHuge ? 0x40000 : 0
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | hugeTLB
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let mapped = unsafe mmap(nil, rounded + extra, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw VerbsError(.last, operation: "mmap", detail: Self.advice(rounded, pages))
        }
        let address = UInt(bitPattern: mapped)
        let start = (address + UInt(extra)) / UInt(unit) * UInt(unit)
        unsafe self.mappedBase = unsafe mapped
        self.mappedByteCount = rounded + extra
        unsafe self.base = unsafe pages == .huge ? mapped + Int(start - address) : mapped
        if pages == .huge { _ = unsafe madvise(self.base, rounded, MADV_HUGEPAGE) }
        // The pages are the region's own, so no neighbour is taken away from the child.
        _ = unsafe madvise(self.mappedBase, self.mappedByteCount, MADV_DONTFORK)
    }

    deinit {
        // A child never had the mapping; something else may lie at its place there.
        guard getpid() == self.pid else { return }
        _ = unsafe munmap(self.mappedBase, self.mappedByteCount)
    }

    /// Lets the pages stay for the life of the process.
    consuming func leave() {
        discard self
    }

    private static func advice(_ byteCount: Int, _ pages: PageKind) -> String {
        guard pages == .reservedHuge else { return "\(byteCount) bytes" }
        return "\(byteCount) bytes of reserved huge pages; as root: sysctl vm.nr_hugepages="
            + "\(byteCount / Self.hugePageByteCount) or more, or ask for .huge"
    }
}
