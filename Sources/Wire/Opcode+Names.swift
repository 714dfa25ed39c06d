// Names follow IBTA Volume 1, table 38; "RDMA" is left out of WRITE and READ.

// MARK: - Reliable connection

extension Opcode {
    @inlinable package static var rcSendFirst: Opcode { Opcode(rawValue: 0x00) }
    @inlinable package static var rcSendMiddle: Opcode { Opcode(rawValue: 0x01) }
    @inlinable package static var rcSendLast: Opcode { Opcode(rawValue: 0x02) }
    @inlinable package static var rcSendLastWithImmediate: Opcode { Opcode(rawValue: 0x03) }
    @inlinable package static var rcSendOnly: Opcode { Opcode(rawValue: 0x04) }
    @inlinable package static var rcSendOnlyWithImmediate: Opcode { Opcode(rawValue: 0x05) }
    @inlinable package static var rcWriteFirst: Opcode { Opcode(rawValue: 0x06) }
    @inlinable package static var rcWriteMiddle: Opcode { Opcode(rawValue: 0x07) }
    @inlinable package static var rcWriteLast: Opcode { Opcode(rawValue: 0x08) }
    @inlinable package static var rcWriteLastWithImmediate: Opcode { Opcode(rawValue: 0x09) }
    @inlinable package static var rcWriteOnly: Opcode { Opcode(rawValue: 0x0A) }
    @inlinable package static var rcWriteOnlyWithImmediate: Opcode { Opcode(rawValue: 0x0B) }
    @inlinable package static var rcReadRequest: Opcode { Opcode(rawValue: 0x0C) }
    @inlinable package static var rcReadResponseFirst: Opcode { Opcode(rawValue: 0x0D) }
    @inlinable package static var rcReadResponseMiddle: Opcode { Opcode(rawValue: 0x0E) }
    @inlinable package static var rcReadResponseLast: Opcode { Opcode(rawValue: 0x0F) }
    @inlinable package static var rcReadResponseOnly: Opcode { Opcode(rawValue: 0x10) }
    @inlinable package static var rcAcknowledge: Opcode { Opcode(rawValue: 0x11) }
    @inlinable package static var rcAtomicAcknowledge: Opcode { Opcode(rawValue: 0x12) }
    @inlinable package static var rcCompareSwap: Opcode { Opcode(rawValue: 0x13) }
    @inlinable package static var rcFetchAdd: Opcode { Opcode(rawValue: 0x14) }
    @inlinable package static var rcSendLastWithInvalidate: Opcode { Opcode(rawValue: 0x16) }
    @inlinable package static var rcSendOnlyWithInvalidate: Opcode { Opcode(rawValue: 0x17) }
    @inlinable package static var rcFlush: Opcode { Opcode(rawValue: 0x1C) }
    @inlinable package static var rcAtomicWrite: Opcode { Opcode(rawValue: 0x1D) }
}

// MARK: - Unreliable connection

extension Opcode {
    @inlinable package static var ucSendFirst: Opcode { Opcode(rawValue: 0x20) }
    @inlinable package static var ucSendMiddle: Opcode { Opcode(rawValue: 0x21) }
    @inlinable package static var ucSendLast: Opcode { Opcode(rawValue: 0x22) }
    @inlinable package static var ucSendLastWithImmediate: Opcode { Opcode(rawValue: 0x23) }
    @inlinable package static var ucSendOnly: Opcode { Opcode(rawValue: 0x24) }
    @inlinable package static var ucSendOnlyWithImmediate: Opcode { Opcode(rawValue: 0x25) }
    @inlinable package static var ucWriteFirst: Opcode { Opcode(rawValue: 0x26) }
    @inlinable package static var ucWriteMiddle: Opcode { Opcode(rawValue: 0x27) }
    @inlinable package static var ucWriteLast: Opcode { Opcode(rawValue: 0x28) }
    @inlinable package static var ucWriteLastWithImmediate: Opcode { Opcode(rawValue: 0x29) }
    @inlinable package static var ucWriteOnly: Opcode { Opcode(rawValue: 0x2A) }
    @inlinable package static var ucWriteOnlyWithImmediate: Opcode { Opcode(rawValue: 0x2B) }
}

// MARK: - Unreliable datagram

extension Opcode {
    @inlinable package static var udSendOnly: Opcode { Opcode(rawValue: 0x64) }
    @inlinable package static var udSendOnlyWithImmediate: Opcode { Opcode(rawValue: 0x65) }
}

// MARK: - Extended reliable connection

extension Opcode {
    @inlinable package static var xrcSendFirst: Opcode { Opcode(rawValue: 0xA0) }
    @inlinable package static var xrcSendMiddle: Opcode { Opcode(rawValue: 0xA1) }
    @inlinable package static var xrcSendLast: Opcode { Opcode(rawValue: 0xA2) }
    @inlinable package static var xrcSendLastWithImmediate: Opcode { Opcode(rawValue: 0xA3) }
    @inlinable package static var xrcSendOnly: Opcode { Opcode(rawValue: 0xA4) }
    @inlinable package static var xrcSendOnlyWithImmediate: Opcode { Opcode(rawValue: 0xA5) }
    @inlinable package static var xrcWriteFirst: Opcode { Opcode(rawValue: 0xA6) }
    @inlinable package static var xrcWriteMiddle: Opcode { Opcode(rawValue: 0xA7) }
    @inlinable package static var xrcWriteLast: Opcode { Opcode(rawValue: 0xA8) }
    @inlinable package static var xrcWriteLastWithImmediate: Opcode { Opcode(rawValue: 0xA9) }
    @inlinable package static var xrcWriteOnly: Opcode { Opcode(rawValue: 0xAA) }
    @inlinable package static var xrcWriteOnlyWithImmediate: Opcode { Opcode(rawValue: 0xAB) }
    @inlinable package static var xrcReadRequest: Opcode { Opcode(rawValue: 0xAC) }
    @inlinable package static var xrcReadResponseFirst: Opcode { Opcode(rawValue: 0xAD) }
    @inlinable package static var xrcReadResponseMiddle: Opcode { Opcode(rawValue: 0xAE) }
    @inlinable package static var xrcReadResponseLast: Opcode { Opcode(rawValue: 0xAF) }
    @inlinable package static var xrcReadResponseOnly: Opcode { Opcode(rawValue: 0xB0) }
    @inlinable package static var xrcAcknowledge: Opcode { Opcode(rawValue: 0xB1) }
    @inlinable package static var xrcAtomicAcknowledge: Opcode { Opcode(rawValue: 0xB2) }
    @inlinable package static var xrcCompareSwap: Opcode { Opcode(rawValue: 0xB3) }
    @inlinable package static var xrcFetchAdd: Opcode { Opcode(rawValue: 0xB4) }
    @inlinable package static var xrcSendLastWithInvalidate: Opcode { Opcode(rawValue: 0xB6) }
    @inlinable package static var xrcSendOnlyWithInvalidate: Opcode { Opcode(rawValue: 0xB7) }
}

// MARK: - Congestion

extension Opcode {
    /// The congestion notification packet of RoCEv2 (IBTA Annex A17).
    @inlinable package static var cnp: Opcode { Opcode(rawValue: 0x81) }
}
