import CShims
import Glibc

/// Shows what happens to a page that the kernel holds, as it holds the pages that a device works on, when the process forks
/// and writes to the page.
///
/// The kernel is made to hold the page by splicing it into a pipe (vmsplice(2)): it takes a reference to the physical page,
/// as the driver of an adapter does, and what a later read of the pipe gives is what the device would see. It takes no
/// privilege.
package enum CopyOnWriteExperiment {
    /// What was seen.
    package struct Outcome: Equatable, Sendable {
        /// What the program had written before the fork, and after it.
        package var before: UInt8
        package var after: UInt8
        /// What the holder of the physical page saw at the end.
        package var seenByHolder: UInt8
        /// The physical page behind the program's address before the fork and after its write, if it may know.
        package var frameBefore: UInt64?
        package var frameAfter: UInt64?

        /// Whether the holder went on with another page than the program.
        package var isSplit: Bool { self.seenByHolder != self.after }
    }

    /// Runs the experiment on a page of its own.
    ///
    /// - Parameter prepare: Is given the range of the page before it is touched, and may mark it.
    /// - Throws: What the kernel said when a pipe, a page or a child could not be had, or what `prepare` threw.
    package static func run(
        prepare: (_ address: UInt, _ byteCount: UInt) throws(Errno) -> Void
    ) throws(Errno) -> Outcome {
        let byteCount = Int(PageAdvice.pageByteCount)
        guard let memory = unsafe AnonymousMemory.allocate(byteCount: byteCount) else { throw .noMemory }
        // SAFETY: the page is this function's own, and is used until here.
        defer { unsafe AnonymousMemory.free(memory, byteCount: byteCount) }
        let page = unsafe memory.bindMemory(to: UInt8.self, capacity: byteCount)
        let address = UInt(bitPattern: page)
        let pipe = try Pipe()
        let life = try Pipe()

        var outcome = Outcome(before: UInt8(ascii: "A"), after: UInt8(ascii: "B"), seenByHolder: 0)
        // Before the page is touched: a fork by another thread must find nothing to share.
        try prepare(address, UInt(byteCount))
        unsafe page.initialize(repeating: outcome.before, count: byteCount)
        var range = unsafe iovec(iov_base: memory, iov_len: byteCount)
        guard unsafe cshims_vmsplice(pipe.writeEnd, &range) == byteCount else { throw .last }
        outcome.frameBefore = PageFrame.number(at: address)

        let child = try checkingErrno { cshims_fork() }
        if child == 0 {
            // Lives until the parent closes its end: a child that is gone shares nothing.
            close(life.writeEnd)
            var byte: UInt8 = 0
            while unsafe read(life.readEnd, &byte, 1) == -1, errno == EINTR {}
            _exit(0)
        }
        unsafe page.update(repeating: outcome.after, count: byteCount)
        outcome.frameAfter = PageFrame.number(at: address)
        let result = unsafe read(pipe.readEnd, &outcome.seenByHolder, 1)
        life.closeWriteEnd()
        while waitpid(child, nil, 0) == -1, errno == EINTR {}
        guard result == 1 else { throw .ioError }
        return outcome
    }
}

/// Both ends of a pipe.
private final class Pipe {
    let readEnd: CInt
    private(set) var writeEnd: CInt

    init() throws(Errno) {
        var ends: (CInt, CInt) = (-1, -1)
        // SAFETY: a tuple of two integers is laid out as an array of two.
        let result = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            unsafe Glibc.pipe(bytes.assumingMemoryBound(to: CInt.self).baseAddress)
        }
        guard result == 0 else { throw .last }
        (self.readEnd, self.writeEnd) = ends
    }

    deinit {
        close(self.readEnd)
        self.closeWriteEnd()
    }

    func closeWriteEnd() {
        if self.writeEnd >= 0 { close(self.writeEnd) }
        self.writeEnd = -1
    }
}
