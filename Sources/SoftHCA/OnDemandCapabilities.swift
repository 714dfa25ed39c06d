/// What may be done on demand: the fields of `ibv_odp_caps`. See ibv_query_device_ex(3).
package struct OnDemandCapabilities: Sendable, Equatable {
    /// Regions of a range, and of the whole address space.
    package var general: UInt64 = 1 | 1 << 1
    package var reliable: Operations = [.send, .receive, .write, .read, .atomic, .sharedReceive]
    package var extended: Operations = [.send, .write, .read, .atomic, .sharedReceive]
    package var unreliable: Operations = [.send, .receive, .write, .sharedReceive]
    package var datagram: Operations = [.send, .receive, .sharedReceive]

    /// The bits of `ibv_odp_transport_cap_bits`.
    package struct Operations: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static var send: Operations { Operations(rawValue: 1) }
        package static var receive: Operations { Operations(rawValue: 1 << 1) }
        package static var write: Operations { Operations(rawValue: 1 << 2) }
        package static var read: Operations { Operations(rawValue: 1 << 3) }
        package static var atomic: Operations { Operations(rawValue: 1 << 4) }
        package static var sharedReceive: Operations { Operations(rawValue: 1 << 5) }
    }
}
