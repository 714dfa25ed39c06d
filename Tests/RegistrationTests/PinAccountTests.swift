import Glibc
import Registration
import SystemIO
import TestSupport
import Testing

/// Pins, in processes of their own: limits and locked memory belong to a whole process, and to its user.
@Suite("Pins", .serialized)
struct PinAccountTests {
    /// Registers pages of an arena under a policy, without privilege, and looks at what the process has pinned.
    final class Rig {
        let arena: Arena
        let account: RegistrationAccount

        init(_ policy: PinPolicy, pageCount: Int = 64, limitByteCount: UInt = 1 << 20) throws {
            try Unprivileged.become(limitByteCount: limitByteCount)
            self.arena = try Arena(pageCount: pageCount)
            self.account = RegistrationAccount(configuration: RegistrationConfiguration(pinPolicy: policy))
        }

        func register(_ first: Int, _ end: Int) throws(Errno) -> RegisteredRange {
            let range = self.arena.range(first, end)
            return try self.account.register(address: range.lowerBound, byteCount: range.byteCount)
        }
    }

    static func policy(_ name: String) -> PinPolicy {
        switch name {
        case "mlock": .lock
        case "kernel": .kernel
        default: .auto
        }
    }

    @Test(arguments: ["mlock", "kernel"])
    func `overlapping pins nest, and the last one's end lets the pages go`(name: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [name] in
            let rig = try Rig(Self.policy(name))
            let first = try rig.register(0, 32)
            let second = try rig.register(16, 48)
            let third = try rig.register(16, 48)
            second.release()
            first.release()
            let afterTwo = PinnedMemory.now
            guard afterTwo.byteCount(Self.policy(name)) == 32 * Arena.pageByteCount else { exit(1) }
            third.release()
            guard PinnedMemory.now.byteCount(Self.policy(name)) == 0 else { exit(2) }
            exit(42)
        }
    }

    @Test(arguments: ["mlock", "kernel"])
    func `over the limit a registration fails, and the account goes on`(name: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [name] in
            let rig = try Rig(Self.policy(name), pageCount: 512, limitByteCount: 1 << 20)
            let small = try rig.register(0, 64)
            do throws(Errno) {
                _ = try rig.register(0, 512)
                exit(1)
            } catch {
                guard error == .noMemory else { exit(2) }
            }
            guard PinnedMemory.now.byteCount(Self.policy(name)) == 64 * Arena.pageByteCount else { exit(3) }
            let other = try rig.register(64, 128)
            small.release()
            other.release()
            guard PinnedMemory.now.byteCount(Self.policy(name)) == 0 else { exit(4) }
            exit(42)
        }
    }

    @Test func `over the limit the policy auto registers without a pin`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let rig = try Rig(.auto, pageCount: 512, limitByteCount: 1 << 20)
            let range = try rig.register(0, 512)
            guard PinnedMemory.now.lockedByteCount == 0 else { exit(1) }
            range.release()
            let small = try rig.register(0, 8)
            let pinned = PinnedMemory.now
            guard pinned.lockedByteCount + pinned.pinnedByteCount >= 8 * Arena.pageByteCount else { exit(2) }
            small.release()
            exit(42)
        }
    }

    @Test(arguments: ["mlock", "kernel"])
    func `memory with a hole cannot be pinned, and its release after unmapping is complete`(name: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [name] in
            let rig = try Rig(Self.policy(name))
            munmap(rig.arena.base + 3 * Arena.pageByteCount, Arena.pageByteCount)
            if (try? rig.register(0, 8)) != nil { exit(1) }
            guard PinnedMemory.now.byteCount(Self.policy(name)) == 0 else { exit(2) }
            let range = try rig.register(8, 16)
            munmap(rig.arena.base + 10 * Arena.pageByteCount, Arena.pageByteCount)
            range.release()
            guard PinnedMemory.now.byteCount(Self.policy(name)) == 0 else { exit(3) }
            exit(42)
        }
    }

    @Test func `read-only memory is locked where an io_uring does not take it`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let rig = try Rig(.kernel)
            mprotect(rig.arena.base, 8 * Arena.pageByteCount, PROT_READ)
            let range = try rig.register(0, 8)
            guard PinnedMemory.now.lockedByteCount == 8 * Arena.pageByteCount else { exit(1) }
            range.release()
            guard PinnedMemory.now.lockedByteCount == 0 else { exit(2) }
            exit(42)
        }
    }

    @Test(arguments: ["mlock", "kernel"])
    func `the kernel lets everything go when the process is killed`(name: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [name] in
            let limit: UInt = 4 << 20
            try Unprivileged.become(limitByteCount: limit)
            // Three quarters of the limit each time: without the release the second round would not fit.
            for round in 0..<3 {
                let isPinned = Self.pinsInKilledChild(Self.policy(name), byteCount: limit / 4 * 3)
                guard isPinned else { exit(CInt(1 + round)) }
            }
            exit(42)
        }
    }

    @Test(arguments: ["mlock", "kernel"])
    func `a process that is killed at any point leaves nothing pinned`(name: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [name] in
            let limit: UInt = 4 << 20
            try Unprivileged.become(limitByteCount: limit)
            var generator = SeededGenerator(seed: 3)
            for _ in 0..<60 {
                let child = ForkedChild.fork()
                if child == 0 {
                    Self.pinForEver(Self.policy(name), byteCount: limit / 4)
                    _exit(1)
                }
                usleep(UInt32.random(in: 0...6_000, using: &generator))
                kill(child, SIGKILL)
                guard ForkedChild.wait(for: child) == 128 + SIGKILL else { exit(1) }
            }
            // All of the limit is there for the next one.
            guard Self.pinsInKilledChild(Self.policy(name), byteCount: limit / 8 * 7) else { exit(2) }
            exit(42)
        }
    }

    /// Pins overlapping ranges and lets them go, until the process is killed.
    private static func pinForEver(_ policy: PinPolicy, byteCount: UInt) {
        let account = RegistrationAccount(configuration: RegistrationConfiguration(pinPolicy: policy))
        guard let arena = try? Arena(pageCount: Int(byteCount / PageRange.pageByteCount)) else { return }
        let base = arena.address(of: 0)
        while true {
            // The kernel may still be ending an earlier child's io_uring: then there is no room yet.
            guard let whole = try? account.register(address: base, byteCount: byteCount),
                let part = try? account.register(address: base, byteCount: byteCount / 2)
            else { continue }
            whole.release()
            part.release()
        }
    }

    /// Forks a child that pins memory; kills it once it has. Whether it could pin; tried for a while, because the kernel
    /// ends an io_uring's life behind the process's back.
    private static func pinsInKilledChild(_ policy: PinPolicy, byteCount: UInt) -> Bool {
        for _ in 0..<200 {
            var descriptors: [CInt] = [-1, -1]
            guard pipe(&descriptors) == 0 else { return false }
            defer { descriptors.forEach { close($0) } }
            let child = ForkedChild.fork()
            if child == 0 {
                var verdict: UInt8 = 0
                let configuration = RegistrationConfiguration(pinPolicy: policy)
                let account = RegistrationAccount(configuration: configuration)
                let pageCount = Int(byteCount / PageRange.pageByteCount)
                if let arena = try? Arena(pageCount: pageCount),
                    let range = try? account.register(address: arena.address(of: 0), byteCount: byteCount)
                {
                    verdict = 1
                    write(descriptors[1], &verdict, 1)
                    pause()
                    range.release()
                }
                write(descriptors[1], &verdict, 1)
                _exit(0)
            }
            var verdict: UInt8 = 0
            _ = read(descriptors[0], &verdict, 1)
            kill(child, SIGKILL)
            _ = ForkedChild.wait(for: child)
            if verdict == 1 { return true }
            usleep(20_000)
        }
        return false
    }

    @Test(arguments: ["mlock", "kernel"])
    func `a child holds none of its parent's pins`(name: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [name] in
            let rig = try Rig(Self.policy(name))
            rig.account.installForkHandlers()
            let range = try rig.register(0, 16)
            let code = ForkedChild.exitCode {
                guard PinnedMemory.now.byteCount(Self.policy(name)) == 0 else { return 1 }
                // Its own registration works, and the release of the inherited one, at `exit`, does nothing.
                guard (try? rig.register(0, 16)) != nil else { return 2 }
                return 0
            }
            guard code == 0, PinnedMemory.now.byteCount(Self.policy(name)) == 16 * Arena.pageByteCount else { exit(1) }
            range.release()
            exit(42)
        }
    }
}
