/// The operation code of a transport packet: the first byte of the BTH.
///
/// Specified in IBTA Volume 1, section 9.2.1, table 38. The upper three bits name the transport, the lower five the
/// operation. Any byte is an `Opcode`; ``isKnown`` says whether a meaning is defined for it here. Reliable datagram is
/// recognised by ``transport`` only: RoCE does not have it.
///
/// All questions are answered from one table entry, ``traits``, in constant time.
package struct Opcode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8

    @inlinable @inline(always)
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }
}

// MARK: - Parts

extension Opcode {
    /// The service that the upper three bits name.
    package enum Transport: Hashable, Sendable {
        case rc
        case uc
        case rd
        case ud
        case cnp
        case xrc
        case unknown
    }

    @inlinable
    package var transport: Transport {
        switch self.rawValue >> 5 {
        case 0: .rc
        case 1: .uc
        case 2: .rd
        case 3: .ud
        case 4: .cnp
        case 5: .xrc
        default: .unknown
        }
    }

    /// The lower five bits, which mean the same in every transport that has the operation.
    @inlinable @inline(always)
    package var operation: UInt8 { self.rawValue & 0x1F }
}

// MARK: - Questions

extension Opcode {
    @inlinable package var isKnown: Bool { !self.traits.isEmpty }
    @inlinable package var isRequest: Bool { self.traits.contains(.request) }
    @inlinable package var isResponse: Bool { self.traits.contains(.response) }

    @inlinable package var isFirst: Bool { self.traits.contains(.first) }
    @inlinable package var isMiddle: Bool { self.traits.contains(.middle) }
    @inlinable package var isLast: Bool { self.traits.contains(.last) }
    @inlinable package var isOnly: Bool { self.traits.contains(.only) }

    @inlinable package var isSend: Bool { self.traits.contains(.send) }
    @inlinable package var isWrite: Bool { self.traits.contains(.write) }
    @inlinable package var isReadRequest: Bool { self.traits.contains(.readRequest) }
    @inlinable package var isReadResponse: Bool { self.traits.contains(.readResponse) }
    /// A request that a responder executes atomically: CmpSwap, FetchAdd or ATOMIC WRITE.
    @inlinable package var isAtomic: Bool { self.traits.contains(.atomic) }
    /// An Acknowledge or an ATOMIC Acknowledge. A READ response acknowledges too, but is not one.
    @inlinable package var isAck: Bool { self.traits.contains(.ack) }
    @inlinable package var isFlush: Bool { self.traits.contains(.flush) }

    @inlinable package var hasRETH: Bool { self.traits.contains(.reth) }
    @inlinable package var hasAETH: Bool { self.traits.contains(.aeth) }
    @inlinable package var hasAtomicETH: Bool { self.traits.contains(.atomicETH) }
    @inlinable package var hasAtomicAckETH: Bool { self.traits.contains(.atomicAckETH) }
    @inlinable package var hasDETH: Bool { self.traits.contains(.deth) }
    @inlinable package var hasXRCETH: Bool { self.traits.contains(.xrceth) }
    @inlinable package var hasFETH: Bool { self.traits.contains(.feth) }
    @inlinable package var hasImmediate: Bool { self.traits.contains(.immediate) }
    @inlinable package var hasInvalidate: Bool { self.traits.contains(.invalidate) }
    /// Whether bytes may follow the headers. They may also be none, as in a SEND of no bytes.
    @inlinable package var hasPayload: Bool { self.traits.contains(.payload) }
}
