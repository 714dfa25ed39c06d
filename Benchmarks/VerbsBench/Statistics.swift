/// Numbers of many runs as one.
enum Statistics {
    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    /// With two digits behind the point.
    static func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
