/// What a checker found, before the run adds when and where.
struct Violation: Error {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}
