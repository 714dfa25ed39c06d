import CShims
import Glibc

/// Tells when an interface of the namespace changes, or an address comes or goes. See rtnetlink(7).
///
/// It says only *that* something changed: the kernel may drop messages, so whoever wants to know what asks anew.
package final class RouteMonitor: Sendable {
    package let descriptor: OwnedDescriptor

    /// Watches the namespace of the calling thread.
    ///
    /// - Throws: `EMFILE`; `EACCES` or `EPERM` in a sandbox that forbids netlink sockets.
    package init() throws(Errno) {
        let type = CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let rawDescriptor = try checkingErrno { socket(AF_NETLINK, type, CInt(NETLINK_ROUTE)) }
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = UInt32(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)
        do throws(Errno) {
            // SAFETY: bind(2) looks at the family before it reads further, and knows the length.
            try checkingErrno {
                unsafe withUnsafeMutablePointer(to: &address) { pointer in
                    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe Glibc.bind(rawDescriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
                    }
                }
            }
        } catch {
            _ = Glibc.close(rawDescriptor)
            throw error
        }
        self.descriptor = OwnedDescriptor(takingOver: rawDescriptor)
    }

    package var rawDescriptor: CInt { self.descriptor.rawValue }

    /// Takes what the kernel has said so far, so that the descriptor is readable again only after a further change.
    package func drain() {
        let rawDescriptor = self.rawDescriptor
        // SAFETY: recv(2) writes into the buffer, up to its size. What does not fit is cut off, and not of interest.
        unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { buffer in
            while true {
                let count = unsafe recv(rawDescriptor, buffer.baseAddress, buffer.count, 0)
                // Where the kernel dropped messages it says so once (ENOBUFS), and goes on.
                guard count < 0, Errno.last.rawValue != ENOBUFS, Errno.last != .interrupted else { continue }
                return
            }
        }
    }
}
