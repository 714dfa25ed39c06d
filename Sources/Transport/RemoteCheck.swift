/// Whether a peer may do to our memory what it asks for.
package enum RemoteCheck: UInt8, Hashable, Sendable {
    case ok
    /// No such region, or not this range or access: a remote access error to the peer.
    case accessError
    /// The queue pair does not allow the operation at all: an invalid request to the peer.
    case invalidRequest
}
