internal import Transport
internal import Wire

/// What bounds the answers to messages that anybody can send, from any address that he pretends to have.
internal struct ConnectionRefusals {
    /// 64 at once, and a thousand a second: about what Linux grants to ICMP errors.
    var bucket = TokenBucket(capacity: 64, refillNanoseconds: 1_000_000)
    var psn = PSN(truncating: 0)
}
