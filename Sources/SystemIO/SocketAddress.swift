import CShims
import Glibc

/// Room for the address of a datagram in the form that the socket calls take: IPv6, or IPv4 on a socket of IPv4 alone.
@safe
internal struct SocketAddress {
    private var ipv6 = sockaddr_in6()

    static var byteCountMax: socklen_t { socklen_t(MemoryLayout<sockaddr_in6>.size) }

    init() {}

    @inline(always)
    init(_ endpoint: SocketEndpoint) {
        self.ipv6.sin6_family = sa_family_t(AF_INET6)
        self.ipv6.sin6_port = endpoint.port.bigEndian
        self.ipv6.sin6_scope_id = endpoint.interfaceIndex
        // SAFETY: an in6_addr has the 16 bytes.
        unsafe withUnsafeMutableBytes(of: &self.ipv6.sin6_addr) {
            unsafe endpoint.address.store(to: $0.baseAddress.unsafelyUnwrapped)
        }
    }

    /// Calls `body` with the address. On a socket of IPv4 alone it is given, and left, in that form.
    @inline(always)
    @unsafe
    mutating func withRaw<Result>(
        isIPv4Only: Bool,
        _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        if isIPv4Only { self.convertToIPv4() }
        let byteCount = isIPv4Only ? socklen_t(MemoryLayout<sockaddr_in>.size) : Self.byteCountMax
        // SAFETY: the socket calls look at the family before they read further, and know the length.
        return unsafe withUnsafeMutablePointer(to: &self.ipv6) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, byteCount) }
        }
    }

    /// Rewrites the bytes as a `sockaddr_in`, which is the shorter of the two.
    private mutating func convertToIPv4() {
        guard self.ipv6.sin6_family != sa_family_t(AF_INET) else { return }
        var ipv4 = sockaddr_in()
        ipv4.sin_family = sa_family_t(AF_INET)
        ipv4.sin_port = self.ipv6.sin6_port
        ipv4.sin_addr.s_addr = (self.endpoint.address.ipv4 ?? 0).bigEndian
        self.ipv6 = sockaddr_in6()
        // SAFETY: a sockaddr_in fits into a sockaddr_in6.
        unsafe withUnsafeMutableBytes(of: &self.ipv6) { unsafe $0.storeBytes(of: ipv4, as: sockaddr_in.self) }
    }

    /// What the kernel filled in, or `init` was given.
    @inline(always)
    var endpoint: SocketEndpoint {
        if self.ipv6.sin6_family == sa_family_t(AF_INET) {
            // SAFETY: a sockaddr_in fits into a sockaddr_in6.
            let ipv4 = unsafe withUnsafeBytes(of: self.ipv6) { unsafe $0.loadUnaligned(as: sockaddr_in.self) }
            let address = IPAddress(ipv4: UInt32(bigEndian: ipv4.sin_addr.s_addr))
            return SocketEndpoint(address: address, port: UInt16(bigEndian: ipv4.sin_port))
        }
        // SAFETY: an in6_addr has the 16 bytes.
        let address = unsafe withUnsafeBytes(of: self.ipv6.sin6_addr) {
            unsafe IPAddress(loading: $0.baseAddress.unsafelyUnwrapped)
        }
        return SocketEndpoint(
            address: address,
            port: UInt16(bigEndian: self.ipv6.sin6_port),
            interfaceIndex: self.ipv6.sin6_scope_id
        )
    }
}
