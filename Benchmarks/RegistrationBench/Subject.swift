import Glibc
import Registration
import SystemIO

/// One way of keeping ranges out of forked children, as the benchmark drives it: two functions of C, so that every subject
/// is called alike.
struct Subject: @unchecked Sendable {
    typealias Change = @convention(c) (UInt, UInt) -> CInt

    let name: String
    private let dontFork: Change
    private let doFork: Change

    /// Marks the range. False when that failed.
    @inline(__always)
    func mark(_ address: UInt, _ byteCount: UInt) -> Bool { self.dontFork(address, byteCount) == 0 }

    @inline(__always)
    func unmark(_ address: UInt, _ byteCount: UInt) -> Bool { self.doFork(address, byteCount) == 0 }
}

// MARK: - Libraries

extension Subject {
    private typealias Initialize = @convention(c) () -> CInt

    /// `ibv_dontfork_range` and `ibv_dofork_range` of a libibverbs.so.1, which need no device. Nil when it is not there.
    ///
    /// - Parameter policy: For `VERBENA_FORK`, which Verbena's library reads when it is first called.
    init?(_ name: String, library path: String, policy: String? = nil) {
        if let policy { setenv("VERBENA_FORK", policy, 1) }
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL),
            let initialize = dlsym(library, "ibv_fork_init"),
            let dontFork = dlsym(library, "ibv_dontfork_range"),
            let doFork = dlsym(library, "ibv_dofork_range"),
            unsafeBitCast(initialize, to: Initialize.self)() == 0
        else { return nil }
        self.name = name
        self.dontFork = unsafeBitCast(dontFork, to: Change.self)
        self.doFork = unsafeBitCast(doFork, to: Change.self)
    }

    /// Verbena's library from a copy of its own, because a process has one account, with one policy, for each file.
    static func verbena(_ name: String, copying path: String, policy: String) -> Subject? {
        let copy = "/tmp/verbena-bench-\(getpid())-\(policy).so"
        defer { unlink(copy) }
        guard Self.copy(path, to: copy) else { return nil }
        return Subject(name, library: copy, policy: policy)
    }

    private static func copy(_ source: String, to target: String) -> Bool {
        let input = open(source, O_RDONLY)
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL, 0o700)
        defer {
            close(input)
            close(output)
        }
        var status = stat()
        guard input >= 0, output >= 0, fstat(input, &status) == 0 else { return false }
        var rest = Int(status.st_size)
        while rest > 0 {
            let count = sendfile(output, input, nil, rest)
            guard count > 0 else { return false }
            rest -= count
        }
        return true
    }
}

// MARK: - What a registration does

/// The policy `at fork` for memory that was checked before, as `ibv_reg_mr` checks it.
private let checkedRanges = NocopyRanges(policy: .atFork, kernel: LinuxMemoryKernel())

extension Subject {
    static let checkedAtFork = Subject(
        name: "at fork, checked",
        dontFork: { address, byteCount in
            do throws(Errno) {
                try checkedRanges.mark(PageRange(address: address, byteCount: byteCount), isKnownMapped: true)
                return 0
            } catch {
                return -1
            }
        },
        doFork: { address, byteCount in
            do throws(Errno) {
                try checkedRanges.unmark(PageRange(address: address, byteCount: byteCount))
                return 0
            } catch {
                return -1
            }
        }
    )
}
