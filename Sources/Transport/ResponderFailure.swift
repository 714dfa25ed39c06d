/// Why a responder stopped for good. The queue pair goes to the error state.
package enum ResponderFailure: Hashable, Sendable {
    /// The peer may not do what it asked for: `IBV_EVENT_QP_ACCESS_ERR`.
    case accessError
    /// The peer broke the protocol: `IBV_EVENT_QP_REQ_ERR`.
    case requestError
    /// The receive request could not take the message. Its completion says so; there is no event.
    case receiveError
}
