import CShims
import Glibc

/// A socket by which processes of one host hand each other datagrams, named by a path. See unix(7).
///
/// Whole datagrams arrive, in order, or the sender is told. It never waits.
package struct LocalDatagramSocket: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor

    /// Longest path that a socket can have, in bytes.
    package static var pathByteCountMax: Int { 107 }

    /// Binds a socket to `path`, where no file may be yet.
    ///
    /// - Throws: `EADDRINUSE`, `EACCES`, `ENOENT`, `EMFILE`; `ENAMETOOLONG`.
    package init(path: String) throws(Errno) {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let rawDescriptor = try checkingErrno { socket(AF_UNIX, type, 0) }
        do throws(Errno) {
            var address = try Self.address(path)
            try checkingErrno {
                unsafe Self.withRaw(&address) { unsafe Glibc.bind(rawDescriptor, $0, $1) }
            }
        } catch {
            _ = Glibc.close(rawDescriptor)
            throw error
        }
        self.descriptor = OwnedDescriptor(takingOver: rawDescriptor)
    }

    package var rawDescriptor: CInt { self.descriptor.rawValue }

    private static func address(_ path: String) throws(Errno) -> sockaddr_un {
        guard path.utf8.count <= self.pathByteCountMax else { throw Errno(rawValue: ENAMETOOLONG) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // SAFETY: the room is zeroed and longer than the path.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        return address
    }

    @unsafe
    private static func withRaw<Result>(
        _ address: inout sockaddr_un,
        _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        // SAFETY: the socket calls look at the family before they read further, and know the length.
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

// MARK: - Datagrams

extension LocalDatagramSocket {
    /// Sends one datagram, made of two parts, to the socket bound to `path`.
    ///
    /// - Throws: `EAGAIN` when the receiver's queue is full; `ECONNREFUSED` or `ENOENT` when nobody receives there;
    ///   `EMSGSIZE`, `ENOBUFS`.
    @unsafe
    package func send(
        _ header: UnsafeRawBufferPointer,
        _ payload: UnsafeRawBufferPointer,
        to path: String
    ) throws(Errno) {
        var address = try Self.address(path)
        let rawDescriptor = self.rawDescriptor
        // SAFETY: sendmsg(2) only reads, and everything it reads outlives the call.
        try checkingErrno {
            unsafe Self.withRaw(&address) { name, nameByteCount in
                unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
                    unsafe vectors[0] = iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: header.baseAddress),
                        iov_len: header.count
                    )
                    unsafe vectors[1] = iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress),
                        iov_len: payload.count
                    )
                    var message = unsafe msghdr()
                    unsafe message.msg_name = UnsafeMutableRawPointer(name)
                    unsafe message.msg_namelen = nameByteCount
                    unsafe message.msg_iov = vectors.baseAddress
                    unsafe message.msg_iovlen = 2
                    return unsafe cshims_sendmsg(rawDescriptor, &message, CInt(MSG_NOSIGNAL))
                }
            }
        }
    }

    /// Takes the next datagram, in two parts: the first bytes go to `header`, the rest to `payload`.
    ///
    /// - Returns: How many bytes came in all, or `nil` when nothing waits. What does not fit is lost.
    @unsafe
    package func receive(
        _ header: UnsafeMutableRawBufferPointer,
        _ payload: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int? {
        let rawDescriptor = self.rawDescriptor
        do throws(Errno) {
            // SAFETY: readv(2) writes into the caller's buffers, up to their sizes.
            return try checkingErrno {
                unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
                    unsafe vectors[0] = iovec(iov_base: header.baseAddress, iov_len: header.count)
                    unsafe vectors[1] = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
                    return unsafe cshims_readv(rawDescriptor, vectors.baseAddress, 2)
                }
            }
        } catch {
            guard error == .wouldBlock else { throw error }
            return nil
        }
    }
}
