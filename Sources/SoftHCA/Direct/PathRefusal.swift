internal import SystemIO

/// Why a process of this host cannot be reached directly.
internal struct PathRefusal: Error {
    let choice: PathChoice

    init(_ choice: PathChoice) {
        self.choice = choice
    }

    init(_ error: Errno) {
        switch error {
        case .protocolError: self.choice = .otherLayout
        case .noSuchProcess, .noSuchFile: self.choice = .absent
        default: self.choice = .forbidden
        }
        Diagnostics.debug("a process of this host cannot be reached directly: \(error.message)")
    }
}
