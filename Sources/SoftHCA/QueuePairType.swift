/// The transport service of a queue pair. Raw values are those of `ibv_qp_type`; see ibv_create_qp(3).
package enum QueuePairType: UInt32, Sendable {
    case reliable = 2
    case unreliableConnected = 3
    case datagram = 4
}
