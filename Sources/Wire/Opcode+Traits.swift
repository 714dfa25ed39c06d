extension Opcode {
    /// What is defined about an operation code: its place in the message, its kind, and the headers behind the BTH.
    package struct Traits: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32

        @inlinable @inline(always)
        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        @inlinable package static var request: Traits { Traits(rawValue: 1 << 0) }
        @inlinable package static var response: Traits { Traits(rawValue: 1 << 1) }
        @inlinable package static var first: Traits { Traits(rawValue: 1 << 2) }
        @inlinable package static var middle: Traits { Traits(rawValue: 1 << 3) }
        @inlinable package static var last: Traits { Traits(rawValue: 1 << 4) }
        @inlinable package static var only: Traits { Traits(rawValue: 1 << 5) }
        @inlinable package static var send: Traits { Traits(rawValue: 1 << 6) }
        @inlinable package static var write: Traits { Traits(rawValue: 1 << 7) }
        @inlinable package static var readRequest: Traits { Traits(rawValue: 1 << 8) }
        @inlinable package static var readResponse: Traits { Traits(rawValue: 1 << 9) }
        @inlinable package static var atomic: Traits { Traits(rawValue: 1 << 10) }
        @inlinable package static var ack: Traits { Traits(rawValue: 1 << 11) }
        @inlinable package static var flush: Traits { Traits(rawValue: 1 << 12) }
        @inlinable package static var congestionNotification: Traits { Traits(rawValue: 1 << 13) }

        @inlinable package static var reth: Traits { Traits(rawValue: 1 << 16) }
        @inlinable package static var aeth: Traits { Traits(rawValue: 1 << 17) }
        @inlinable package static var atomicETH: Traits { Traits(rawValue: 1 << 18) }
        @inlinable package static var atomicAckETH: Traits { Traits(rawValue: 1 << 19) }
        @inlinable package static var deth: Traits { Traits(rawValue: 1 << 20) }
        @inlinable package static var xrceth: Traits { Traits(rawValue: 1 << 21) }
        @inlinable package static var feth: Traits { Traits(rawValue: 1 << 22) }
        @inlinable package static var immediate: Traits { Traits(rawValue: 1 << 23) }
        @inlinable package static var invalidate: Traits { Traits(rawValue: 1 << 24) }
        @inlinable package static var payload: Traits { Traits(rawValue: 1 << 25) }
    }

    /// The table entry of this code, empty when the code is not known.
    @inlinable
    package var traits: Traits {
        switch self.transport {
        case .rc: Self.reliableTraits(of: self.operation)
        case .uc: self.operation <= 0x0B ? Self.reliableTraits(of: self.operation) : []
        case .ud: self.operation == 4 || self.operation == 5 ? Self.datagramTraits(of: self.operation) : []
        case .xrc: Self.sharedReceiveTraits(of: self.operation)
        case .cnp: self.operation == 1 ? [.congestionNotification, .payload] : []
        case .rd, .unknown: []
        }
    }

    /// The operations of the reliable connection; the unreliable one has the first twelve.
    @inlinable
    package static func reliableTraits(of operation: UInt8) -> Traits {
        switch operation {
        case 0x00: [.request, .send, .first, .payload]
        case 0x01: [.request, .send, .middle, .payload]
        case 0x02: [.request, .send, .last, .payload]
        case 0x03: [.request, .send, .last, .immediate, .payload]
        case 0x04: [.request, .send, .only, .payload]
        case 0x05: [.request, .send, .only, .immediate, .payload]
        case 0x06: [.request, .write, .first, .reth, .payload]
        case 0x07: [.request, .write, .middle, .payload]
        case 0x08: [.request, .write, .last, .payload]
        case 0x09: [.request, .write, .last, .immediate, .payload]
        case 0x0A: [.request, .write, .only, .reth, .payload]
        case 0x0B: [.request, .write, .only, .reth, .immediate, .payload]
        case 0x0C: [.request, .readRequest, .only, .reth]
        case 0x0D: [.response, .readResponse, .first, .aeth, .payload]
        case 0x0E: [.response, .readResponse, .middle, .payload]
        case 0x0F: [.response, .readResponse, .last, .aeth, .payload]
        case 0x10: [.response, .readResponse, .only, .aeth, .payload]
        case 0x11: [.response, .ack, .only, .aeth]
        case 0x12: [.response, .ack, .only, .aeth, .atomicAckETH]
        case 0x13, 0x14: [.request, .atomic, .only, .atomicETH]
        case 0x16: [.request, .send, .last, .invalidate, .payload]
        case 0x17: [.request, .send, .only, .invalidate, .payload]
        case 0x1C: [.request, .flush, .only, .feth, .reth]
        case 0x1D: [.request, .atomic, .only, .reth, .payload]
        default: []
        }
    }

    @inlinable
    package static func datagramTraits(of operation: UInt8) -> Traits {
        Self.reliableTraits(of: operation).union(.deth)
    }

    /// Requests carry the number of the shared receive queue; responses go to a known initiator and do not.
    @inlinable
    package static func sharedReceiveTraits(of operation: UInt8) -> Traits {
        let traits: Traits = operation <= 0x17 ? Self.reliableTraits(of: operation) : []
        return traits.contains(.request) ? traits.union(.xrceth) : traits
    }
}
