import Segment
import SystemIO
import TestSupport
import Testing

@Suite("Free extents")
struct FreeExtentsTests {
    private static let page = SegmentLayout.pageByteCount
    private static let whole = Extent(byteOffset: 3 * Self.page, byteCount: 256 * Self.page)

    @Test(arguments: UInt64(0)..<20)
    func `extents never overlap, and all that is freed comes back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var free = FreeExtents(Self.whole)
        var taken: [Extent] = []
        var owners = [Int: Int]()
        for step in 0..<2_000 {
            if taken.isEmpty || Bool.random(using: &random) {
                let byteCount = Int.random(in: 1...20 * Self.page, using: &random)
                guard let extent = try? free.allocate(byteCount: byteCount) else { continue }
                taken.append(extent)
                guard extent.byteCount >= byteCount, extent.byteOffset % Self.page == 0,
                    extent.byteOffset >= Self.whole.byteOffset, extent.end <= Self.whole.end
                else {
                    Issue.record("\(extent) for \(byteCount) bytes")
                    return
                }
                for page in extent.byteOffset / Self.page..<extent.end / Self.page {
                    guard owners.updateValue(step, forKey: page) == nil else {
                        Issue.record("page \(page) was given twice")
                        return
                    }
                }
            } else {
                let extent = taken.remove(at: Int.random(in: taken.indices, using: &random))
                for page in extent.byteOffset / Self.page..<extent.end / Self.page { owners[page] = nil }
                free.free(extent)
            }
            guard free.freeByteCount + owners.count * Self.page == Self.whole.byteCount else {
                Issue.record("\(free.freeByteCount) bytes free beside \(owners.count) pages taken")
                return
            }
        }
        for extent in taken.shuffled(using: &random) { free.free(extent) }
        #expect(free.fragmentCount == 1)
        #expect(free.freeByteCount == Self.whole.byteCount)
    }

    @Test func `what is not there cannot be had`() throws {
        var free = FreeExtents(Self.whole)
        #expect(throws: Errno.noMemory) { try free.allocate(byteCount: Self.whole.byteCount + 1) }
        _ = try free.allocate(byteCount: Self.whole.byteCount)
        #expect(throws: Errno.noMemory) { try free.allocate(byteCount: 1) }
    }

    @Test func `freeing twice is a bug and traps`() async {
        await #expect(processExitsWith: .failure) {
            var free = FreeExtents(Extent(byteOffset: 0, byteCount: 64 << 12))
            let extent = try free.allocate(byteCount: 1)
            free.free(extent)
            free.free(extent)
        }
    }
}
