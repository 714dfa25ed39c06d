import Glibc
import Registration
import SystemIO

/// What marked ranges add to a `fork`, under each policy.
enum ForkCost {
    private typealias Fork = @convention(c) () -> pid_t

    static func report() {
        for count in [0, 10, 1000, 20_000] {
            let region = Region(byteCount: UInt(2 * max(count, 1)) * Region.pageByteCount)
            var line = "    " + Main.padded("\(count) ranges", to: 16)
            for (name, policy) in [("eager", ForkPolicy.eager), ("at fork", .atFork), ("off", .off)] {
                let ranges = NocopyRanges(policy: policy, kernel: LinuxMemoryKernel())
                Self.change(ranges, region, count) { ranges, range throws(Errno) in
                    try ranges.mark(range, isKnownMapped: true)
                }
                line += Main.padded("\(name) \(Main.text(Self.median(of: ranges)))", to: 22)
                Self.change(ranges, region, count) { ranges, range throws(Errno) in try ranges.unmark(range) }
            }
            print(line)
        }
    }

    private static func change(
        _ ranges: NocopyRanges<LinuxMemoryKernel>,
        _ region: Region,
        _ count: Int,
        _ body: (NocopyRanges<LinuxMemoryKernel>, PageRange) throws(Errno) -> Void
    ) {
        for index in 0..<count {
            let address = region.page(2 * index)
            do throws(Errno) {
                try body(ranges, PageRange(address: address, byteCount: Region.pageByteCount))
            } catch {
                fatalError("\(error.message)")
            }
        }
    }

    private static func median(of ranges: NocopyRanges<LinuxMemoryKernel>) -> Double {
        guard let symbol = dlsym(nil, "fork") else { return 0 }
        let fork = unsafeBitCast(symbol, to: Fork.self)
        var times: [UInt64] = []
        for _ in 0..<11 {
            let start = MonotonicClock.now
            ranges.prepareForFork()
            let child = fork()
            if child == 0 { _exit(0) }
            ranges.parentAfterFork()
            times.append(MonotonicClock.now - start)
            waitpid(child, nil, 0)
        }
        return Double(times.sorted()[5])
    }
}
