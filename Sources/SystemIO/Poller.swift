import CShims
import Glibc

/// Waits for any of several descriptors to become readable. See epoll(7).
///
/// A descriptor reports once and then keeps still until it is armed again, so that several threads may wait.
package struct Poller: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Most reports that one `wait` hands over.
    package static var batchCountMax: Int { 16 }

    package init() throws(Errno) {
        let flags = CInt(EPOLL_CLOEXEC)
        self.descriptor = OwnedDescriptor(takingOver: try checkingErrno { epoll_create1(flags) })
    }

    /// Closes the poller in a forked child, where it would share its list with the parent.
    package func close() {
        self.descriptor.close()
    }
}

// MARK: - Descriptors

extension Poller {
    /// Adds a descriptor, armed.
    ///
    /// - Parameter token: What `wait` reports when `rawDescriptor` is readable.
    /// - Throws: `EEXIST`; `ENOMEM` or `ENOSPC` at the kernel's limits; `EPERM` for a file that cannot be waited for.
    package func add(_ rawDescriptor: CInt, token: UInt64) throws(Errno) {
        try self.control(EPOLL_CTL_ADD, rawDescriptor, token: token)
    }

    /// Lets a descriptor report once more. If it is readable already, it reports at once.
    package func arm(_ rawDescriptor: CInt, token: UInt64) throws(Errno) {
        try self.control(EPOLL_CTL_MOD, rawDescriptor, token: token)
    }

    /// Forgets a descriptor. Closing all its duplicates does the same.
    package func remove(_ rawDescriptor: CInt) throws(Errno) {
        try self.control(EPOLL_CTL_DEL, rawDescriptor, token: 0)
    }

    private func control(_ operation: CInt, _ rawDescriptor: CInt, token: UInt64) throws(Errno) {
        var event = unsafe epoll_event()
        unsafe event.events = EPOLLIN.rawValue | EPOLLONESHOT.rawValue
        unsafe event.data.u64 = token
        try checkingErrno { unsafe epoll_ctl(self.descriptor.rawValue, operation, rawDescriptor, &event) }
    }
}

// MARK: - Waiting

extension Poller {
    /// Waits until a descriptor is readable or the time is over, and reports the tokens of those that are.
    ///
    /// - Parameter timeoutNanoseconds: `nil` waits without end, 0 only looks.
    /// - Returns: How many were reported; 0 when the time was over or a signal came.
    @discardableResult
    package func wait(timeoutNanoseconds: UInt64?, _ report: (UInt64) -> Void) throws(Errno) -> Int {
        let (count, error) = unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.batchCountMax) {
            events in
            // SAFETY: the kernel fills in the first `count` events, and only those are read.
            let count = unsafe self.waitOnce(events, timeoutNanoseconds: timeoutNanoseconds)
            let error = Errno.last
            for index in 0..<max(count, 0) {
                report(unsafe events[index].data.u64)
            }
            return (count, error)
        }
        if count >= 0 { return count }
        if error == .interrupted { return 0 }
        throw error
    }

    /// `epoll_pwait2` has nanoseconds, since Linux 5.11; where it is missing, round up to milliseconds.
    @unsafe
    private func waitOnce(_ events: UnsafeMutableBufferPointer<epoll_event>, timeoutNanoseconds: UInt64?) -> Int {
        let poller = self.descriptor.rawValue
        let countMax = CInt(events.count)
        guard let timeoutNanoseconds else {
            return Int(unsafe epoll_wait(poller, events.baseAddress, countMax, -1))
        }
        var timeout = timespec(nanoseconds: timeoutNanoseconds)
        let count = unsafe epoll_pwait2(poller, events.baseAddress, countMax, &timeout, nil)
        if count == -1 && Errno.last.rawValue == ENOSYS {
            let milliseconds = CInt(clamping: (timeoutNanoseconds + 999_999) / 1_000_000)
            return Int(unsafe epoll_wait(poller, events.baseAddress, countMax, milliseconds))
        }
        return Int(count)
    }
}
