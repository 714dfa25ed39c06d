package import SystemIO

/// The way to the receiver of a datagram, checked once. See ibv_create_ah(3).
public final class AddressHandle: Sendable {
    package let domain: ProtectionDomain
    package let attributes: AddressAttributes
    /// The way itself.
    internal let path: WirePath

    /// - Throws: `EINVAL` when the port is not 1, the global route is missing, or the GID index names no address of the destination's family; `EIO` in
    ///   a forked child.
    package init(domain: ProtectionDomain, attributes: AddressAttributes) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        let path = try WirePath(attributes, context: domain.context)
        try domain.users.begin()
        self.domain = domain
        self.attributes = attributes
        self.path = path
    }

    /// - Throws: `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.domain.generation)
        self.domain.users.end()
    }
}
