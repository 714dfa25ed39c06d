#if Logging
public import Logging
public import Verbs

/// Writes what happens to the connections of an endpoint to a log.
///
/// ```
/// let endpoint = try Endpoint(observer: LoggingObserver(Logger(label: "store")))
/// ```
public struct LoggingObserver: EndpointObserver {
    private let logger: Logger

    public init(_ logger: Logger) {
        self.logger = logger
    }

    public func connectionOpened(_ address: QueuePairAddress, peer: QueuePairAddress) {
        self.logger.debug(
            "connection opened",
            metadata: ["qpn": "\(address.qpn)", "peer": "\(peer.gid)", "peer_qpn": "\(peer.qpn)"]
        )
    }

    public func connectionEnded(_ address: QueuePairAddress, error: VerbsError?) {
        guard let error else {
            return self.logger.debug("connection closed", metadata: ["qpn": "\(address.qpn)"])
        }
        self.logger.error("connection failed", metadata: ["qpn": "\(address.qpn)", "error": "\(error)"])
    }

    public func peerDropped(_ error: VerbsError) {
        self.logger.warning("a peer was dropped", metadata: ["error": "\(error)"])
    }
}
#endif
