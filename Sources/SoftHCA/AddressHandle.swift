package import SystemIO

/// The way to the receiver of a datagram, checked once. See ibv_create_ah(3).
package final class AddressHandle: Sendable {
    package let domain: ProtectionDomain
    package let attributes: AddressAttributes
    /// The entry of the GID table from which datagrams go out.
    package let source: GIDEntry

    /// - Throws: `EINVAL` when the port is not 1, the global route is missing, or the GID index names no address; `EIO` in
    ///   a forked child.
    package init(domain: ProtectionDomain, attributes: AddressAttributes) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        guard attributes.port == 1, attributes.isGlobal,
            let source = domain.context.gid(at: Int(attributes.sourceGIDIndex))
        else { throw .invalidArgument }
        try domain.users.begin()
        self.domain = domain
        self.attributes = attributes
        self.source = source
    }

    /// - Throws: `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.domain.generation)
        self.domain.users.end()
    }
}
