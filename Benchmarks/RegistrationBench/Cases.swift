import Glibc
import SystemIO

/// The cases of the benchmark. A call is one mark or one unmark, unless the name says otherwise.
enum Cases {
    struct Case {
        let name: String
        let run: (Subject) -> Measurement
    }

    static let page = Region.pageByteCount

    static func all(churnSeconds: Int, roundCount: Int) -> [Case] {
        [
            Case(name: "fresh page, mark + unmark") { Self.freshPage($0) },
            Case(name: "covered page, per call") { Self.coveredPage($0) },
            Case(name: "covered page inside, per call") { Self.coveredInside($0) },
            Case(name: "1,000,000 nested marks, per call") { Self.nested($0) },
            Case(name: "30,000 isolated pages, per call") { Self.pages($0, count: 30_000, stride: 2) },
            Case(name: "10,000 contiguous pages, per call") { Self.pages($0, count: 10_000, stride: 1) },
            Case(name: "unmark 8 GiB with 1000 holes") { Self.holes($0) },
            Case(name: "4 threads, mark + unmark") { Self.threads($0) },
            Case(name: "churn of 16 sizes for \(churnSeconds) s, per call") {
                Self.churn($0, nanoseconds: UInt64(churnSeconds) * 1_000_000_000 / UInt64(roundCount))
            },
        ]
    }

    static func freshPage(_ subject: Subject) -> Measurement {
        let region = Region(byteCount: 64 * Self.page, isTouched: true)
        let count = 50_000
        var watch = Stopwatch()
        watch.time(callCount: count) {
            var failures = 0
            for _ in 0..<count {
                if !subject.mark(region.page(7), Self.page) { failures += 1 }
                if !subject.unmark(region.page(7), Self.page) { failures += 1 }
            }
            return failures
        }
        watch.notePeak()
        return watch.measurement
    }

    static func coveredPage(_ subject: Subject) -> Measurement {
        let region = Region(byteCount: 64 * Self.page, isTouched: true)
        return Self.covered(subject, region, outer: (region.page(7), Self.page))
    }

    static func coveredInside(_ subject: Subject) -> Measurement {
        let region = Region(byteCount: 64 * Self.page, isTouched: true)
        return Self.covered(subject, region, outer: (region.base, region.byteCount))
    }

    private static func covered(_ subject: Subject, _ region: Region, outer: (UInt, UInt)) -> Measurement {
        let count = 500_000
        var watch = Stopwatch()
        _ = subject.mark(outer.0, outer.1)
        watch.time(callCount: 2 * count) {
            var failures = 0
            for _ in 0..<count {
                if !subject.mark(region.page(7), Self.page) { failures += 1 }
                if !subject.unmark(region.page(7), Self.page) { failures += 1 }
            }
            return failures
        }
        watch.notePeak()
        _ = subject.unmark(outer.0, outer.1)
        return watch.measurement
    }

    static func nested(_ subject: Subject) -> Measurement {
        let region = Region(byteCount: 64 * Self.page, isTouched: true)
        let count = 1_000_000
        var watch = Stopwatch()
        watch.time(callCount: count) {
            (0..<count).reduce(0) { failures, _ in failures + (subject.mark(region.page(7), Self.page) ? 0 : 1) }
        }
        watch.notePeak()
        watch.time(callCount: count) {
            (0..<count).reduce(0) { failures, _ in failures + (subject.unmark(region.page(7), Self.page) ? 0 : 1) }
        }
        return watch.measurement
    }

    static func pages(_ subject: Subject, count: Int, stride: Int) -> Measurement {
        let region = Region(byteCount: UInt(count * stride) * Self.page)
        var watch = Stopwatch()
        watch.time(callCount: count) {
            (0..<count).reduce(0) { failures, index in
                failures + (subject.mark(region.page(index * stride), Self.page) ? 0 : 1)
            }
        }
        watch.notePeak()
        watch.time(callCount: count) {
            (0..<count).reduce(0) { failures, index in
                failures + (subject.unmark(region.page(index * stride), Self.page) ? 0 : 1)
            }
        }
        return watch.measurement
    }

    static func holes(_ subject: Subject) -> Measurement {
        let pageCount = (8 << 30) / Int(Self.page)
        let region = Region(byteCount: UInt(pageCount) * Self.page)
        var watch = Stopwatch()
        _ = subject.mark(region.base, region.byteCount)
        for hole in 0..<1000 { region.punchHole(at: hole * (pageCount / 1000) + 17) }
        watch.notePeak()
        watch.time(callCount: 1) { subject.unmark(region.base, region.byteCount) ? 0 : 1 }
        return watch.measurement
    }

    static func threads(_ subject: Subject) -> Measurement {
        let count = 20_000
        let regions = (0..<4).map { _ in Region(byteCount: 64 * Self.page, isTouched: true) }
        let bases = regions.map { $0.page(7) }
        var watch = Stopwatch()
        watch.time(callCount: 4 * count) {
            Workers.run(4) { thread in
                var failures = 0
                for _ in 0..<count {
                    if !subject.mark(bases[thread], Self.page) { failures += 1 }
                    if !subject.unmark(bases[thread], Self.page) { failures += 1 }
                }
                return failures
            }
        }
        watch.notePeak()
        // The regions are only numbers to the threads.
        return withExtendedLifetime(regions) { watch.measurement }
    }

    /// Registers and deregisters ranges of 1 page to 32768 pages at random places, some two hundred at a time.
    static func churn(_ subject: Subject, nanoseconds: UInt64) -> Measurement {
        let pageCount = 1 << 18
        let region = Region(byteCount: UInt(pageCount) * Self.page)
        var live = [(UInt, UInt)](repeating: (0, 0), count: 200)
        var state: UInt64 = 42
        func draw(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var watch = Stopwatch()
        let end = MonotonicClock.now + nanoseconds
        while MonotonicClock.now < end {
            watch.time(callCount: 2000) {
                var failures = 0
                for _ in 0..<1000 {
                    let slot = draw(live.count)
                    if live[slot].1 > 0, !subject.unmark(live[slot].0, live[slot].1) { failures += 1 }
                    let length = 1 << draw(16)
                    live[slot] = (region.page(draw(pageCount - length)), UInt(length) * Self.page)
                    if !subject.mark(live[slot].0, live[slot].1) { failures += 1 }
                }
                return failures
            }
        }
        watch.notePeak()
        for (address, byteCount) in live where byteCount > 0 { _ = subject.unmark(address, byteCount) }
        return watch.measurement
    }
}
