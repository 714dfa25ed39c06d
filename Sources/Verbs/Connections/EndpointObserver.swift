/// Is told what happens to the connections of an endpoint: for a log, for example.
///
/// The functions are called from the thread where it happens and should be brief. Each may be left out.
public protocol EndpointObserver: Sendable {
    /// Addresses have been exchanged; the connection is ready.
    func connectionOpened(_ address: QueuePairAddress, peer: QueuePairAddress)
    /// A connection has ended, with an error or, when that is nil, in good order.
    func connectionEnded(_ address: QueuePairAddress, error: VerbsError?)
    /// A peer came to a listener and did not complete the exchange of addresses.
    func peerDropped(_ error: VerbsError)
}

extension EndpointObserver {
    public func connectionOpened(_ address: QueuePairAddress, peer: QueuePairAddress) {}
    public func connectionEnded(_ address: QueuePairAddress, error: VerbsError?) {}
    public func peerDropped(_ error: VerbsError) {}
}
