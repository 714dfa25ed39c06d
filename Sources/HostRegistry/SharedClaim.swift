package import SystemIO

/// A mark by which the processes of a registry see that one of them uses what a name stands for.
///
/// A file of the registry's directory holds a lock of each such process, which the kernel frees when the process ends.
/// The file itself stays until the registry goes. Not responsible for threads: a process claims a name once at a time.
package final class SharedClaim: Sendable {
    /// Closing it frees the lock.
    private let descriptor: OwnedDescriptor

    private static var guardByte: Int { 0 }

    fileprivate init(descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    fileprivate convenience init(
        path: String,
        block: QPNBlock,
        mayBeFirst: Bool,
        mustBeFirst: Bool
    ) throws(Errno) {
        let descriptor = try FileSystem.openPrivateFile(at: path)
        let rawDescriptor = descriptor.rawValue
        let deadline = MonotonicClock.now + HostRegistry.patienceNanoseconds
        while !(try RecordLock.tryAcquire(rawDescriptor, byteOffset: Self.guardByte)) {
            guard MonotonicClock.now < deadline else { throw .resourceBusy }
            MonotonicClock.sleep(nanoseconds: 500_000)
        }
        defer { RecordLock.release(rawDescriptor, byteOffset: Self.guardByte) }
        let isClaimed = try RecordLock.isHeldByAnother(rawDescriptor, 1...Int(QPNBlock.countMax))
        if isClaimed && mustBeFirst { throw .invalidArgument }
        if !isClaimed && !mayBeFirst { throw .wouldBlock }
        guard try RecordLock.tryAcquire(rawDescriptor, byteOffset: Int(block.rawValue)) else { throw .resourceBusy }
        self.init(descriptor: descriptor)
    }
}

extension Membership {
    /// Marks that this process uses what `name` stands for, as long as the claim lives.
    ///
    /// - Parameters:
    ///   - name: A file name; no other claim of this process has it.
    ///   - mayBeFirst: Whether no other process need use it.
    ///   - mustBeFirst: Whether no other process may use it.
    /// - Throws: `EAGAIN` when nobody uses it and the caller may not be the first; `EINVAL` when somebody does and it must
    ///   be; `EBUSY`, `EMFILE`; `ENODEV` after leaving.
    package func claim(_ name: String, mayBeFirst: Bool, mustBeFirst: Bool) throws(Errno) -> SharedClaim {
        guard self.isPresent else { throw .noSuchDevice }
        return try SharedClaim(
            path: "\(self.directory.path)/\(name)",
            block: self.block,
            mayBeFirst: mayBeFirst,
            mustBeFirst: mustBeFirst
        )
    }
}
