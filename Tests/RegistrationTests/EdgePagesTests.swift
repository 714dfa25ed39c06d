import Glibc
import Registration
import SystemIO
import TestSupport
import Testing

/// What children get of pages on which a registration begins or ends in the middle, in processes of their own.
@Suite("Edge pages")
struct EdgePagesTests {
    /// Fills each page of an arena with its number, counted from 1.
    static func fill(_ arena: Arena, _ pageCount: Int) {
        for page in 0..<pageCount {
            memset(arena.base + page * Arena.pageByteCount, CInt(page + 1), Arena.pageByteCount)
        }
    }

    static func account(_ policy: ForkPolicy) -> RegistrationAccount {
        let account = RegistrationAccount(
            configuration: RegistrationConfiguration(policy: policy, isForkSupportRequested: true)
        )
        account.installForkHandlers()
        return account
    }

    @Test(arguments: [true, false])
    func `a child has the first and the last page as its own, and not what lies between`(isEager: Bool) async {
        await #expect(processExitsWith: .exitCode(42)) { [isEager] in
            let policy = isEager ? ForkPolicy.eager : .atFork
            let arena = try Arena(pageCount: 8)
            EdgePagesTests.fill(arena, 8)
            let account = EdgePagesTests.account(policy)
            // From the middle of page 1 into page 4.
            let range = try account.register(address: arena.address(of: 1) + 100, byteCount: 3 * 4096)
            // Whole pages.
            let whole = try account.register(address: arena.address(of: 6), byteCount: 4096)
            var descriptors: [CInt] = [0, 0]
            guard pipe(&descriptors) == 0 else { exit(1) }
            let ends = (read: descriptors[0], write: descriptors[1])
            let base = arena.base
            let code = ForkedChild.exitCode {
                for page in 0..<8 {
                    let isThere = ForkedChild.canRead(UInt(bitPattern: base) + UInt(page) * 4096, through: ends)
                    if isThere != ![2, 3, 6].contains(page) { return CInt(10 + page) }
                }
                for page in [1, 4] {
                    let bytes = base + page * 4096
                    for offset in 0..<4096 where bytes.load(fromByteOffset: offset, as: UInt8.self) != UInt8(page + 1) {
                        return CInt(20 + page)
                    }
                    memset(bytes, 99, 4096)
                }
                return 0
            }
            guard code == 0 else { exit(code) }
            guard base.load(fromByteOffset: 4096, as: UInt8.self) == 2 else { exit(2) }
            guard arena.flags == (0..<8).map({ policy == .eager && ((1...4).contains($0) || $0 == 6) }) else { exit(3) }
            range.release()
            whole.release()
            exit(42)
        }
    }

    @Test func `a page stays one of its child's until the last registration on it ends`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 4)
            EdgePagesTests.fill(arena, 4)
            let account = EdgePagesTests.account(.atFork)
            var descriptors: [CInt] = [0, 0]
            guard pipe(&descriptors) == 0 else { exit(1) }
            let ends = (read: descriptors[0], write: descriptors[1])
            let address = arena.address(of: 1)
            func isThere() -> Bool { ForkedChild.exitCode { ForkedChild.canRead(address, through: ends) ? 1 : 0 } == 1 }
            // One that begins and ends on the page, and two that cover it.
            let inside = try account.register(address: address + 8, byteCount: 8)
            let other = try account.register(address: address + 4000, byteCount: 8)
            let whole = try account.register(address: address, byteCount: 4096)
            guard isThere() else { exit(2) }
            inside.release()
            guard isThere() else { exit(3) }
            other.release()
            guard !isThere() else { exit(4) }
            whole.release()
            guard isThere(), account.ranges.isEmpty else { exit(5) }
            exit(42)
        }
    }

    @Test func `many edges, of which some were unmapped, come to the child`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 200)
            EdgePagesTests.fill(arena, 200)
            let account = EdgePagesTests.account(.atFork)
            let ranges = Ranges()
            for page in 0..<100 {
                let address = arena.address(of: 2 * page)
                ranges.all.append(Ranges.One(try account.register(address: address + 1, byteCount: 10)))
            }
            munmap(arena.base + 20 * 4096, 4096)
            var descriptors: [CInt] = [0, 0]
            guard pipe(&descriptors) == 0 else { exit(1) }
            let ends = (read: descriptors[0], write: descriptors[1])
            let base = arena.base
            let code = ForkedChild.exitCode {
                for page in 0..<200 where page != 20 {
                    guard ForkedChild.canRead(UInt(bitPattern: base) + UInt(page) * 4096, through: ends) else {
                        return 1
                    }
                    guard base.load(fromByteOffset: page * 4096, as: UInt8.self) == UInt8(page + 1) else { return 2 }
                }
                return ForkedChild.canRead(UInt(bitPattern: base) + 20 * 4096, through: ends) ? 3 : 0
            }
            guard code == 0 else { exit(code) }
            exit(42)
        }
    }

    @Test func `pages of shared memory stay with the parent`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            guard let shared = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) else {
                exit(1)
            }
            let account = EdgePagesTests.account(.atFork)
            let range = try account.register(address: UInt(bitPattern: shared) + 8, byteCount: 8)
            var descriptors: [CInt] = [0, 0]
            guard pipe(&descriptors) == 0 else { exit(2) }
            let ends = (read: descriptors[0], write: descriptors[1])
            let address = UInt(bitPattern: shared)
            guard ForkedChild.exitCode(of: { ForkedChild.canRead(address, through: ends) ? 1 : 0 }) == 0 else {
                exit(3)
            }
            range.release()
            exit(42)
        }
    }

    private final class Ranges {
        final class One {
            let range: RegisteredRange
            init(_ range: consuming RegisteredRange) { self.range = range }
        }
        var all: [One] = []
    }
}
