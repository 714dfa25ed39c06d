import Glibc
import SystemIO
import Testing

@Suite("Background thread")
struct BackgroundThreadTests {
    private final class Observation: @unchecked Sendable {
        var name = ""
        var unblocked: [CInt] = []
        var threadID: Int32 = 0
    }

    @Test func `it has a name, and blocks every signal but those of its own faults`() throws {
        let observation = Observation()
        let thread = try BackgroundThread {
            observation.name = (try? TextFile.read("/proc/thread-self/comm")) ?? ""
            var mask = sigset_t()
            _ = pthread_sigmask(SIG_BLOCK, nil, &mask)
            observation.unblocked = (1...31).filter { sigismember(&mask, $0) == 0 }
            observation.threadID = ProcessIdentity.threadID
        }
        thread.join()
        #expect(observation.name == "verbena\n")
        // Nobody can block SIGKILL and SIGSTOP.
        #expect(Set(observation.unblocked) == [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSTOP])
        #expect(observation.threadID != ProcessIdentity.threadID)
    }

    @Test func `the maker's own signals are as before`() throws {
        var before = sigset_t()
        var after = sigset_t()
        _ = pthread_sigmask(SIG_BLOCK, nil, &before)
        try BackgroundThread {}.join()
        _ = pthread_sigmask(SIG_BLOCK, nil, &after)
        #expect((1...64).allSatisfy { sigismember(&before, CInt($0)) == sigismember(&after, CInt($0)) })
    }
}
