import Wire

/// What bytes from a fuzzer, or from the corpus, are given to.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// The codecs of headers and the ICRC. The input is a packet.
    case codecs
    /// The messages of connection management, and the answers to those that nobody waits for. The input is a MAD.
    case cm
    /// The responder of a reliable connection, in whatever state earlier packets have left it.
    case responder
    /// The requester of a reliable connection, with requests of all kinds posted.
    case requester
    /// The responder of an unreliable connection.
    case unreliable
    /// A connected queue pair of the adapter with real memory, from the ICRC to the completion queue.
    case adapter

    /// Gives it an input. Whatever the bytes are, it must come back.
    package func run(_ bytes: [UInt8]) {
        switch self {
        case .codecs: FuzzedCodecs.run(bytes)
        case .cm: FuzzedCM.run(bytes)
        case .responder: FuzzedResponder.run(bytes)
        case .requester: FuzzedRequester.run(bytes)
        case .unreliable: FuzzedUnreliable.run(bytes)
        case .adapter: FuzzedAdapter.run(bytes)
        }
    }
}
