/// What Verbena does and what people use instead, measured in turns, so that both meet the same moods of the machine.
struct Measurement {
    var name: String
    var unit: String
    var reference: String
    /// Whether a ratio above 1 is to Verbena's credit.
    var isMoreBetter: Bool
    var runCount: Int
    var own: () throws -> Double
    var other: () throws -> Double

    /// Runs both in turns and returns a line with the medians and the median of the paired ratios.
    func line() -> String {
        var pairs: [(own: Double, other: Double)] = []
        do {
            for _ in 0..<self.runCount { pairs.append((try self.own(), try self.other())) }
        } catch {
            return "\(self.name): not measured, \(error)"
        }
        let own = Self.median(pairs.map(\.own))
        let other = Self.median(pairs.map(\.other))
        let ratio = Self.median(pairs.map { $0.own / $0.other })
        let verdict = self.isMoreBetter ? "more is better" : "less is better"
        return
            "\(self.name): \(Self.rounded(own)) \(self.unit), \(self.reference) \(Self.rounded(other)) \(self.unit), "
            + "ratio \(Self.rounded(ratio)) (\(verdict))"
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// Three digits behind the point are more than such runs repeat.
    static func rounded(_ value: Double) -> String {
        value.isFinite ? "\((value * 1000).rounded() / 1000)" : "?"
    }
}
