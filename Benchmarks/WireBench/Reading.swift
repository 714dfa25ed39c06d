import TestSupport

/// Finds figures in what programs print.
enum Reading {
    /// The number right before a text, as 12.3 in "= 12.3 usec/iter" before " usec/iter".
    static func number(before text: String, in output: String) throws(TestFailure) -> Double {
        for line in output.split(separator: "\n") {
            guard let range = line.firstRange(of: text) else { continue }
            let word = line[..<range.lowerBound].split(separator: " ").last
            if let word, let number = Double(word) { return number }
        }
        throw TestFailure("no number before '\(text)', but: \(output.split(separator: "\n").last ?? "nothing")")
    }

    /// A column, counted from 0, of the last line that begins with a number: the row of figures of perftest.
    static func lastRow(column: Int, in output: String) throws(TestFailure) -> Double {
        let rows = output.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
        guard let row = rows.last(where: { $0.first.flatMap { Double($0) } != nil && $0.count > column }),
            let number = Double(row[column])
        else { throw TestFailure("no row of figures, but: \(output.split(separator: "\n").last ?? "nothing")") }
        return number
    }
}
