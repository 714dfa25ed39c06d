import Foundation
import Registration
import TestSupport

/// What the kernel says that the process has locked and pinned.
struct PinnedMemory {
    var lockedByteCount = 0
    var pinnedByteCount = 0

    static var now: PinnedMemory {
        var memory = PinnedMemory()
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return memory }
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 1, let number = Int(words[1]) else { continue }
            if words[0] == "VmLck:" { memory.lockedByteCount = number * 1024 }
            if words[0] == "VmPin:" { memory.pinnedByteCount = number * 1024 }
        }
        return memory
    }

    func byteCount(_ policy: PinPolicy) -> Int {
        policy == .lock ? self.lockedByteCount : self.pinnedByteCount
    }
}

/// Makes the process one of an ordinary user, for good.
enum Unprivileged {
    static func become(limitByteCount: UInt) throws(TestFailure) {
        var limit = rlimit(rlim_cur: rlim_t(limitByteCount), rlim_max: rlim_t(limitByteCount))
        guard setrlimit(__rlimit_resource_t(8), &limit) == 0 else { throw TestFailure("RLIMIT_MEMLOCK cannot be set") }
        // A user of its own for each process, because the kernel counts pinned pages by user.
        guard geteuid() != 0 || setuid(uid_t(200_000) + uid_t(getpid() % 100_000)) == 0 else {
            throw TestFailure("root cannot become another user")
        }
    }
}
