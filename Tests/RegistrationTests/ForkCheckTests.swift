import Glibc
import Registration
import SystemIO
import TestSupport
import Testing

/// The report on registered memory that children inherit, in processes of their own.
@Suite("Fork check")
struct ForkCheckTests {
    /// Registers pages without fork support, forks, and registers from the same and from another place before a second
    /// fork.
    @inline(never)
    static func registerHere(_ account: RegistrationAccount, _ range: PageRange) throws(Errno) -> RegisteredRange {
        try account.register(address: range.lowerBound, byteCount: range.byteCount)
    }

    static func occurrences(of word: String, in text: String) -> Int {
        var (count, rest) = (0, text[...])
        while let found = rest.firstRange(of: word) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }

    @Test func `registered memory that a child inherits is reported once for each place, with the calls`() async throws
    {
        let result = await #expect(processExitsWith: .exitCode(42), observing: [\.standardErrorContent]) {
            let account = RegistrationAccount(configuration: RegistrationConfiguration(forkCheck: .report))
            account.installForkHandlers()
            let arena = try Arena(pageCount: 64)
            let ranges = ForkCheckTests.Holder()
            for index in 0..<3 {
                ranges.first = try ForkCheckTests.registerHere(account, arena.range(4 * index, 4 * index + 2))
                ranges.others.append(ForkCheckTests.Box(try ForkCheckTests.registerHere(account, arena.range(32, 33))))
            }
            _ = ForkedChild.exitCode { 0 }
            _ = ForkedChild.exitCode { 0 }
            exit(42)
        }
        let bytes = try #require(result).standardErrorContent
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(Self.occurrences(of: "fork check: the child", in: text) == 2, "\(text)")
        #expect(text.contains("inherits 8192 bytes of registered memory (1 region)"))
        #expect(text.contains("inherits 12288 bytes of registered memory (3 regions)"))
        #expect(text.contains("registerHere"))
    }

    @Test func `protected and shared memory is not reported, and abort does not stop the program`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let configuration = RegistrationConfiguration(isForkSupportRequested: true, forkCheck: .abort)
            let account = RegistrationAccount(configuration: configuration)
            account.installForkHandlers()
            let arena = try Arena(pageCount: 8)
            let first = try Self.registerHere(account, arena.range(0, 8))
            guard ForkedChild.exitCode(of: { 7 }) == 7 else { exit(1) }
            first.release()
            exit(42)
        }
    }

    @Test func `the mode abort stops the program at the fork`() async {
        await #expect(processExitsWith: .signal(SIGABRT)) {
            let account = RegistrationAccount(configuration: RegistrationConfiguration(forkCheck: .abort))
            account.installForkHandlers()
            let arena = try Arena(pageCount: 8)
            let first = try Self.registerHere(account, arena.range(0, 8))
            _ = ForkedChild.exitCode { 0 }
            first.release()
        }
    }

    final class Box {
        let range: RegisteredRange
        init(_ range: consuming RegisteredRange) { self.range = range }
    }

    final class Holder {
        var first: RegisteredRange?
        var others: [Box] = []
    }
}
