import TestSupport

/// How much longer `ibv_devices` takes to start and end on Verbena than on the system's own library.
struct StartTime {
    let runCount: Int

    func line() -> String {
        let libraries = Project.libraries
        do {
            _ = try Self.milliseconds(environment: [:])
            _ = try Self.milliseconds(environment: ["LD_LIBRARY_PATH": libraries])
            var differences: [Double] = []
            var own: [Double] = []
            var other: [Double] = []
            for _ in 0..<self.runCount {
                own.append(try Self.milliseconds(environment: ["LD_LIBRARY_PATH": libraries]))
                other.append(try Self.milliseconds(environment: [:]))
                differences.append(own[own.count - 1] - other[other.count - 1])
            }
            let difference = Measurement.rounded(Measurement.median(differences))
            return "ibv_devices: \(Measurement.rounded(Measurement.median(own))) ms, the original "
                + "\(Measurement.rounded(Measurement.median(other))) ms, difference \(difference) ms (at most 2 is wanted)"
        } catch {
            return "ibv_devices: not measured, \(error)"
        }
    }

    private static func milliseconds(environment: [String: String]) throws -> Double {
        let start = MonotonicSeconds.now
        let program = try ChildProcess(["ibv_devices"], environment: environment)
        // The original says that the kernel has no devices, and ends with 1.
        _ = program.waitUntilEnd()
        return (MonotonicSeconds.now - start) * 1000
    }
}
