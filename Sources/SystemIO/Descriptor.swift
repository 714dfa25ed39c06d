import CShims
import Glibc

/// Flags of descriptors that somebody else owns.
package enum Descriptor {
    /// Makes reads and writes fail with `EAGAIN` instead of waiting. See fcntl(2), `O_NONBLOCK`.
    package static func setNonBlocking(_ rawDescriptor: CInt) throws(Errno) {
        let flags = try checkingErrno { cshims_fcntl_int(rawDescriptor, F_GETFL, 0) }
        try checkingErrno { cshims_fcntl_int(rawDescriptor, F_SETFL, flags | O_NONBLOCK) }
    }
}
