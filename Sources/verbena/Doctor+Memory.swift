import SystemIO

// What memory and processes need: shared memory, descriptors, copying between processes, pins, huge pages.

extension Doctor {
    private static let sharedMemoryFolder = "/dev/shm"
    private static let sharedByteCountMin = 16 << 20
    private static let openFileCountMin: UInt64 = 256
    private static let lockedByteCountMin: UInt64 = 64 << 20

    static func sharedMemory() -> Finding {
        let title = "shared memory (\(self.sharedMemoryFolder))"
        let meaning = "The processes of this host find each other through files there."
        switch DoctorLimits.probeFolder(self.sharedMemoryFolder) {
        case .success(let free) where free >= UInt64(self.sharedByteCountMin):
            return Finding(
                level: .ok,
                title: title,
                state: "writable, \(Size.text(Int(clamping: free))) free",
                meaning: meaning
            )
        case .success(let free):
            return Finding(
                level: .note,
                title: title,
                state: "only \(Size.text(Int(clamping: free))) free",
                meaning: meaning,
                remedy: "sudo mount -o remount,size=1G \(self.sharedMemoryFolder)"
            )
        case .failure(let error):
            return Finding(
                level: .problem,
                title: title,
                state: "not writable: \(error.message)",
                meaning: meaning,
                remedy: "sudo mount -t tmpfs -o mode=1777 tmpfs \(self.sharedMemoryFolder)"
            )
        }
    }

    static func openFiles() -> Finding {
        let limit = DoctorLimits.openFiles
        let isEnough = limit.soft.map { $0 >= self.openFileCountMin } ?? true
        let hard = limit.hard.map { "\($0)" } ?? "unlimited"
        return Finding(
            level: isEnough ? .ok : .note,
            title: "open files",
            state: limit.soft.map { "at most \($0), which the process may raise to \(hard)" } ?? "unlimited",
            meaning: "A device takes a few, every completion channel one; beyond the limit calls fail with EMFILE.",
            remedy: isEnough ? nil : "ulimit -n \(self.openFileCountMin)"
        )
    }

    static func crossMemory() -> Finding {
        let title = "copying between processes"
        let use = "The direct path between two processes of this host rests on it (VERBENA_PATH)"
        let failure: Errno?
        do {
            failure = try DoctorCrossMemory.probe()
        } catch {
            failure = error
        }
        guard let failure else {
            return Finding(level: .ok, title: title, state: "allowed (process_vm_readv)", meaning: use + ".")
        }
        let scope = TextFile.number(in: "/proc/sys/kernel/yama/ptrace_scope") ?? 0
        return Finding(
            level: .note,
            title: title,
            state: "forbidden (\(failure.message))",
            meaning: use + "; without it their traffic goes on as packets through the loopback interface.",
            remedy: scope > 0
                ? "sudo sysctl -w kernel.yama.ptrace_scope=1"
                : "allow process_vm_readv, in a container with: docker run --cap-add SYS_PTRACE ..."
        )
    }

    static func lockedMemory() -> Finding {
        let limit = DoctorLimits.lockedMemory
        let isEnough = limit.soft.map { $0 >= self.lockedByteCountMin } ?? true
        return Finding(
            level: isEnough ? .ok : .note,
            title: "locked memory",
            state: limit.soft.map { "at most \(Size.text(Int(clamping: $0)))" } ?? "unlimited",
            meaning: "Only pinned regions count against it (VERBENA_PIN); by default nothing is pinned.",
            remedy: isEnough
                ? nil
                : "ulimit -l unlimited   (as root, or after: echo '* - memlock unlimited' | "
                    + "sudo tee /etc/security/limits.d/memlock.conf)"
        )
    }

    static func ioUring() -> Finding {
        let title = "io_uring"
        let use = "It pins registered memory for good, as an adapter's driver would (VERBENA_PIN=kernel)"
        guard let failure = DoctorLimits.probeIOUring() else {
            return Finding(level: .ok, title: title, state: "allowed", meaning: use + ".")
        }
        let isDisabled = (TextFile.number(in: "/proc/sys/kernel/io_uring_disabled") ?? 0) > 0
        return Finding(
            level: .note,
            title: title,
            state: "forbidden (\(failure.message))",
            meaning: use + "; without it VERBENA_PIN=mlock is left.",
            remedy: isDisabled
                ? "sudo sysctl -w kernel.io_uring_disabled=0"
                : "allow io_uring_setup, in a container with a seccomp profile that has it"
        )
    }

    static func hugePages() -> Finding {
        let title = "transparent huge pages"
        let use = "Large copies to and from memory on huge pages are three to four times as fast"
        let line = TextFile.firstLine(of: "/sys/kernel/mm/transparent_hugepage/enabled") ?? ""
        // The line names every mode, the chosen one in brackets.
        let mode = line.split(separator: "[").last?.split(separator: "]").first.map(String.init) ?? ""
        switch mode {
        case "always":
            return Finding(level: .ok, title: title, state: "always", meaning: use + ".")
        case "madvise":
            return Finding(
                level: .ok,
                title: title,
                state: "on request",
                meaning: use + "; a program asks for them with madvise(MADV_HUGEPAGE)."
            )
        default:
            return Finding(
                level: .note,
                title: title,
                state: line.contains("[never]") ? "never" : "not available",
                meaning: use + ".",
                remedy: "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
            )
        }
    }
}
