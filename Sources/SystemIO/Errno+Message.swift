import Glibc

extension Errno {
    /// What the C library says of this number, for people: "Address already in use". See strerror(3).
    package var message: String {
        // SAFETY: the string belongs to the thread and is copied at once.
        guard let text = unsafe strerror(self.rawValue) else { return "error \(self.rawValue)" }
        return unsafe String(cString: text)
    }
}
