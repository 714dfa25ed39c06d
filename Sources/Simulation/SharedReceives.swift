/// A shared receive queue of a host: its queue pairs take from it, in whatever order their messages come.
final class SharedReceives {
    /// Posted requests.
    var count = 0
    var startedCount = 0
    /// Messages that found none.
    var emptyCount = 0

    /// Takes a request, or says that there is none.
    func take() -> Bool {
        guard self.count > 0 else {
            self.emptyCount += 1
            return false
        }
        self.count -= 1
        self.startedCount += 1
        return true
    }
}
