import CShims
import Glibc

extension OwnedDescriptor {
    /// Adds 1 to the counter behind an event descriptor that another process made. See eventfd(2).
    package func signalEvent() {
        EventDescriptor.signal(rawDescriptor: self.rawValue)
    }
}

extension EventDescriptor {
    /// Adds 1 to the counter behind `rawDescriptor`.
    package static func signal(rawDescriptor: CInt) {
        var count: UInt64 = 1
        // SAFETY: eventfd(2) reads the eight bytes of the local variable.
        while unsafe cshims_write(rawDescriptor, &count, 8) == -1 && Errno.last == .interrupted {}
    }
}
