import Glibc
import SystemIO

/// Anonymous memory for one run, apart from its neighbours.
final class Region {
    static let pageByteCount: UInt = 4096
    let base: UInt
    let byteCount: UInt
    private let outerBase: UnsafeMutableRawPointer

    init(byteCount: UInt, isTouched: Bool = false) {
        self.byteCount = byteCount
        let outerByteCount = Int(byteCount + 2 * Self.pageByteCount)
        let kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let outer = mmap(nil, outerByteCount, PROT_NONE, kind, -1, 0), outer != MAP_FAILED else {
            fatalError("no address space for \(byteCount) bytes")
        }
        self.outerBase = outer
        self.base = UInt(bitPattern: outer) + Self.pageByteCount
        mprotect(outer + Int(Self.pageByteCount), Int(byteCount), PROT_READ | PROT_WRITE)
        if isTouched { memset(outer + Int(Self.pageByteCount), 1, Int(byteCount)) }
    }

    deinit {
        munmap(self.outerBase, Int(self.byteCount + 2 * Self.pageByteCount))
    }

    func page(_ index: Int) -> UInt { self.base + UInt(index) * Self.pageByteCount }

    func punchHole(at index: Int) {
        munmap(UnsafeMutableRawPointer(bitPattern: self.page(index)), Int(Self.pageByteCount))
    }
}
