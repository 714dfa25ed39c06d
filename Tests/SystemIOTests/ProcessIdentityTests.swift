import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("Process identity, environment, randomness")
struct ProcessIdentityTests {
    @Test func `the start time tells processes apart that exist`() {
        let own = ProcessIdentity.startTime(of: getpid())
        let first = ProcessIdentity.startTime(of: 1)
        #expect(own != nil)
        #expect(first != nil)
        #expect((own ?? 0) > (first ?? 0))
        #expect(ProcessIdentity.startTime(of: 0x3FFF_FFFF) == nil)
    }

    @Test func `a name with parentheses and spaces does not confuse the start time`() throws {
        let folder = "/dev/shm/verbena-test-\(getpid())-name"
        try #require(mkdir(folder, 0o700) == 0)
        defer { _ = try? Shell.run("rm", "-r", folder) }
        try Shell.run("cp", "/bin/sleep", "\(folder)/a) R 1 (b")
        let child = try ChildProcess(["\(folder)/a) R 1 (b", "30"])
        defer { child.send(signal: SIGKILL) }
        let start = try #require(ProcessIdentity.startTime(of: child.pid))
        let own = try #require(ProcessIdentity.startTime(of: getpid()))
        #expect(start >= own)
    }

    @Test func `a namespace of its own has a number of its own`() throws {
        let home = try ProcessIdentity.networkNamespaceInode()
        let other = try ThreadNamespace.withFresh(commands: []) { try ProcessIdentity.networkNamespaceInode() }
        #expect(home != other)
        #expect(try ProcessIdentity.networkNamespaceInode() == home)
    }

    @Test func `a variable is found, and one that is not set is not`() {
        setenv("VERBENA_TEST_VARIABLE", "a value", 1)
        #expect(Environment.value(of: "VERBENA_TEST_VARIABLE") == "a value")
        unsetenv("VERBENA_TEST_VARIABLE")
        #expect(Environment.value(of: "VERBENA_TEST_VARIABLE") == nil)
    }

    @Test func `random numbers differ, and a buffer of any size is filled`() {
        #expect(Set((0..<1000).map { _ in Random.uint64 }).count == 1000)
        #expect(Set((0..<10_000).map { _ in Random.uint32(below: 7) }) == Set(0..<7))
        var bytes = [UInt8](repeating: 0, count: 10_000)
        bytes.withUnsafeMutableBytes { Random.fill($0) }
        #expect(bytes[9_000...].contains { $0 != 0 })
        #expect(Set(bytes).count == 256)
    }

    @Test func `VERBENA_LOG decides what is told, in one line`() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            Diagnostics.warn("first")
            Diagnostics.debug("second")
            setenv("VERBENA_LOG", "off", 1)
            Diagnostics.warn("third")
            setenv("VERBENA_LOG", "debug", 1)
            Diagnostics.debug("fourth")
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(
            text.split(separator: "\n").filter { $0.hasPrefix("verbena: ") } == ["verbena: first", "verbena: fourth"]
        )
    }

    @Test func `handlers run on both sides of a fork`() async {
        await #expect(processExitsWith: .exitCode(23)) {
            try AtFork.register(
                prepare: { setenv("PREPARED", "1", 1) },
                parent: { setenv("SIDE", "parent", 1) },
                child: { setenv("SIDE", "child", 1) }
            )
            let status = CFunctions.inChild {
                Environment.value(of: "PREPARED") == "1" && Environment.value(of: "SIDE") == "child" ? 22 : 1
            }
            let isParentRight = Environment.value(of: "SIDE") == "parent"
            exit(status >> 8 == 22 && isParentRight ? 23 : 1)
        }
    }
}
