import CShims
import Glibc

/// Which file a descriptor refers to: the same for a descriptor and its duplicates, in whatever process.
package struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    /// - Throws: `EBADF` when the descriptor is not open.
    package init(ofDescriptor rawDescriptor: CInt) throws(Errno) {
        var status = stat()
        // SAFETY: the kernel fills the local variable.
        try checkingErrno { unsafe fstat(rawDescriptor, &status) }
        self.device = UInt64(status.st_dev)
        self.inode = UInt64(status.st_ino)
    }
}

extension OwnedDescriptor {
    /// Makes a file in memory that has no name in any directory, with these contents.
    ///
    /// - Throws: `EMFILE`, `ENOMEM`.
    package init(anonymousFile name: String, contents: UInt64) throws(Errno) {
        let descriptor = OwnedDescriptor(takingOver: try checkingErrno { unsafe cshims_memfd_create(name) })
        var contents = contents
        // SAFETY: the kernel reads the local variable.
        try checkingErrno { unsafe pwrite(descriptor.rawValue, &contents, MemoryLayout<UInt64>.size, 0) }
        self = descriptor
    }

    /// The first 8 bytes of the file behind a descriptor; `nil` when it cannot be read there, or is shorter.
    package static func contents(ofDescriptor rawDescriptor: CInt) -> UInt64? {
        var contents: UInt64 = 0
        // SAFETY: the kernel fills the local variable.
        let count = unsafe pread(rawDescriptor, &contents, MemoryLayout<UInt64>.size, 0)
        return count == MemoryLayout<UInt64>.size ? contents : nil
    }
}
