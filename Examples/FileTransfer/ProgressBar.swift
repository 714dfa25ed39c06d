import Glibc

/// A line on the terminal that fills up. In a pipe nothing is drawn.
struct ProgressBar {
    private let total: Int
    private let isDrawn = isatty(STDOUT_FILENO) == 1
    private var count = 0
    private var drawnWidth = -1
    private static let width = 50

    init(total: Int) {
        self.total = total
    }

    mutating func advance(by byteCount: Int) {
        self.count += byteCount
        let width = self.total > 0 ? self.count * Self.width / self.total : Self.width
        guard self.isDrawn, width != self.drawnWidth else { return }
        self.drawnWidth = width
        let bar = String(repeating: "#", count: width) + String(repeating: ".", count: Self.width - width)
        print("\r[\(bar)] \(100 * width / Self.width) %", terminator: width == Self.width ? "\n" : "")
        fflush(nil)
    }
}
