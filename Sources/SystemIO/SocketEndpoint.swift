/// Where a datagram goes or comes from: an address, a UDP port, and the interface where the address needs one.
package struct SocketEndpoint: Hashable, Sendable {
    package var address: IPAddress
    package var port: UInt16
    /// Index of the interface on which a link-local address is meant; 0 where the routes decide.
    package var interfaceIndex: UInt32

    @inlinable
    package init(address: IPAddress, port: UInt16, interfaceIndex: UInt32 = 0) {
        self.address = address
        self.port = port
        self.interfaceIndex = interfaceIndex
    }
}
