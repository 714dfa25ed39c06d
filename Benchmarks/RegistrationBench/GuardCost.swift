import Glibc
import SystemIO

/// What `FaultGuard` adds to a copy, beside memcpy(3) and the kernel's copy; and what it would cost to find out by reading
/// whether memory is mapped, beside asking the kernel (docs/decisions/0021).
enum GuardCost {
    private typealias KernelCopy =
        @convention(c) (
            pid_t, UnsafePointer<iovec>, CUnsignedLong, UnsafePointer<iovec>, CUnsignedLong, CUnsignedLong
        ) -> Int

    private static let roundCount = 9

    static func reportCopies() {
        FaultGuard.refresh()
        guard FaultGuard.mode == .handler, let symbol = dlsym(nil, "process_vm_readv") else { return }
        let kernelCopy = unsafeBitCast(symbol, to: KernelCopy.self)
        let source = Region(byteCount: 16 * Region.pageByteCount, isTouched: true)
        let target = Region(byteCount: 16 * Region.pageByteCount, isTouched: true)
        guard let from = UnsafeMutableRawPointer(bitPattern: source.base),
            let to = UnsafeMutableRawPointer(bitPattern: target.base)
        else { return }
        let process = getpid()
        for byteCount in [64, 1024, 4096] {
            let times = Self.medians(
                count: 20_000,
                [
                    { _ in memcpy(to, from, byteCount) },
                    { _ in _ = FaultGuard.copy(byteCount, from: from, to: to) },
                    { _ in
                        var local = iovec(iov_base: to, iov_len: byteCount)
                        var remote = iovec(iov_base: from, iov_len: byteCount)
                        _ = kernelCopy(process, &local, 1, &remote, 1, 0)
                    },
                ]
            )
            Self.print("copy of \(byteCount) bytes", ["memcpy", "guarded", "kernel"], times)
        }
    }

    static func reportQuestions() {
        let count = 4000
        let touched = Region(byteCount: UInt(count) * Region.pageByteCount, isTouched: true)
        // Each round reads pages that nobody has touched yet.
        let fresh = Region(byteCount: UInt(count * Self.roundCount) * Region.pageByteCount)
        madvise(UnsafeMutableRawPointer(bitPattern: fresh.base), Int(fresh.byteCount), MADV_NOHUGEPAGE)
        var next = 0
        let times = Self.medians(
            count: count,
            [
                { _ = PageAdvice.isMapped(from: touched.page($0), to: touched.page($0 + 1)) },
                { _ = FaultGuard.isReadable(address: touched.page($0), byteCount: 1) },
                { _ in
                    _ = FaultGuard.isReadable(address: fresh.page(next), byteCount: 1)
                    next += 1
                },
                { _ in FaultGuard.refresh() },
            ]
        )
        Self.print("one page", ["msync", "read, touched", "read, untouched", "look at the handler"], times)
    }

    /// The median time of each body in nanoseconds, in turns. Bodies are given the number of the call.
    private static func medians(count: Int, _ bodies: [(Int) -> Void]) -> [Double] {
        var rounds = bodies.map { _ in [Double]() }
        for _ in 0..<Self.roundCount {
            for (index, body) in bodies.enumerated() {
                let start = MonotonicClock.now
                for call in 0..<count { body(call) }
                rounds[index].append(Double(MonotonicClock.now - start) / Double(count))
            }
        }
        return rounds.map { $0.sorted()[Self.roundCount / 2] }
    }

    private static func print(_ title: String, _ names: [String], _ times: [Double]) {
        var line = "    " + Main.padded(title, to: 20)
        for (name, time) in zip(names, times) {
            let ratio = "\(Main.rounded(time / times[0]))"
            line += Main.padded("\(name) \(Main.text(time)) (\(ratio))", to: 34)
        }
        Swift.print(line)
    }
}
