import Glibc
import TestSupport
import Testing
import Verbs

/// What docs say of a child of fork: objects of the parent answer with an error and touch nothing of the parent's; the thin
/// level may be opened anew; operations cannot be awaited when the parent did.
@Suite("Fork", .serialized)
struct ForkTests {
    private static func inChild(_ body: () -> CInt) -> CInt {
        let child = CFunctions.fork()
        if child == 0 {
            alarm(30)
            _exit(body())
        }
        var status: CInt = 0
        while waitpid(child, &status, 0) == -1 && errno == EINTR {}
        return status
    }

    @Test func `the child's calls fail with their reason, and the parent goes on`() async {
        await #expect(processExitsWith: .success) {
            let loopback = try Loopback<RC>()
            let status = ForkTests.inChild {
                func code(_ body: () throws -> Void) -> VerbsError.Code? { verbsError(body)?.code }
                guard code({ _ = try loopback.queue.poll() }) == .forkedChild else { return 1 }
                guard
                    code({
                        try loopback.pair.post(.write(loopback.region[0..<8], to: loopback.peerRegion.remote[0..<8]))
                    })
                        != nil
                else { return 2 }
                guard code({ _ = try ProtectionDomain(on: loopback.context) }) != nil else { return 3 }
                guard code({ _ = try MemoryRegion(byteCount: 64, in: loopback.domain) }) != nil else { return 4 }
                return 0
            }
            try loopback.pair.post(.write(loopback.region[0..<8], to: loopback.peerRegion.remote[0..<8]))
            try awaitCompletion(loopback.queue).requireSuccess()
            exit(status == 0 ? 0 : 1)
        }
    }

    @Test func `the owners that a child lets go leave the parent's alone`() async {
        await #expect(processExitsWith: .success) {
            let loopback = try Loopback<RC>()
            // A copy of the owners dies with this function, in the child alone.
            let status = ForkTests.inChild {
                func end(_ domain: borrowing ProtectionDomain) -> VerbsError? {
                    verbsError { _ = try QueuePair<RC, Initialized>(in: domain, completions: loopback.queue) }
                }
                return end(loopback.domain) == nil ? 1 : 0
            }
            try loopback.pair.post(.write(loopback.region[0..<8], to: loopback.peerRegion.remote[0..<8]))
            try awaitCompletion(loopback.queue).requireSuccess()
            exit(status == 0 ? 0 : 1)
        }
    }

    @Test func `a child may open the device anew`() async {
        await #expect(processExitsWith: .success) {
            let loopback = try Loopback<RC>()
            let status = ForkTests.inChild {
                do {
                    let own = try Loopback<RC>()
                    try own.pair.post(.write(own.region[0..<8], to: own.peerRegion.remote[0..<8]), id: 4)
                    return try awaitCompletion(own.queue).id == 4 ? 0 : 1
                } catch {
                    return 2
                }
            }
            exit(status == 0 && loopback.pair.capacity.sendCount > 0 ? 0 : 1)
        }
    }

    @Test func `a child cannot await what its parent's thread would deliver, and is told so`() async {
        await #expect(processExitsWith: .success) {
            let context = try VerbsLibrary.embedded.device().open()
            let completions = try AsyncCompletionQueue(on: context)
            let status = ForkTests.inChild {
                let code = verbsError {
                    let own = try VerbsLibrary.embedded.device().open()
                    _ = try AsyncCompletionQueue(on: own)
                }?.code
                return code == .forkedChild ? 0 : 1
            }
            exit(status == 0 && completions.outstandingCount == 0 ? 0 : 1)
        }
    }
}
