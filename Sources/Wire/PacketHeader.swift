/// All headers of one transport packet: the BTH and the extension headers that its opcode has.
///
/// Specified in IBTA Volume 1, section 9.2.1, table 38, and figure 68 for the order. Flat and trivial: the opcode says
/// which fields are on the wire; the others keep their defaults when parsing and are ignored when encoding. It neither
/// holds nor checks payload and ICRC.
package struct PacketHeader: Hashable, Sendable {
    package var bth: BTH
    package var xrceth: XRCETH
    package var deth: DETH
    package var feth: FETH
    package var reth: RETH
    package var atomicETH: AtomicETH
    package var aeth: AETH
    package var atomicAckETH: AtomicAckETH
    /// The four bytes read as a big-endian number, see `ImmDt`.
    package var immediate: UInt32
    /// The key that a SEND with Invalidate revokes.
    package var invalidateRKey: UInt32

    package init(
        bth: BTH,
        xrceth: XRCETH = XRCETH(),
        deth: DETH = DETH(),
        feth: FETH = FETH(),
        reth: RETH = RETH(),
        atomicETH: AtomicETH = AtomicETH(),
        aeth: AETH = AETH(),
        atomicAckETH: AtomicAckETH = AtomicAckETH(),
        immediate: UInt32 = 0,
        invalidateRKey: UInt32 = 0
    ) {
        self.bth = bth
        self.xrceth = xrceth
        self.deth = deth
        self.feth = feth
        self.reth = reth
        self.atomicETH = atomicETH
        self.aeth = aeth
        self.atomicAckETH = atomicAckETH
        self.immediate = immediate
        self.invalidateRKey = invalidateRKey
    }
}

// MARK: - Sizes

extension PacketHeader {
    /// The largest encoded size in bytes: the BTH, XRCETH and AtomicETH of an XRC atomic.
    package static var byteCountMax: Int { 44 }

    /// Encoded size in bytes.
    package var byteCount: Int { self.bth.opcode.headerByteCount }

    /// Size in bytes of the payload in a packet that `packetByteCount` bytes long, headers and pad counted, ICRC not.
    ///
    /// Zero or more for every packet that `init(parsing:)` accepted.
    package func payloadByteCount(packetByteCount: Int) -> Int {
        packetByteCount - self.byteCount - Int(self.bth.padCount)
    }

    /// The payload of the packet that this header was parsed from.
    ///
    /// - Precondition: `packet` is as long as it was when it was parsed.
    @_lifetime(copy packet)
    package func payload(of packet: RawSpan) -> RawSpan {
        packet.extracting(self.byteCount..<(packet.byteCount - Int(self.bth.padCount)))
    }
}

extension Opcode {
    /// Size in bytes of the BTH and the extension headers of this operation.
    package var headerByteCount: Int { self.traits.headerByteCount }
}

extension Opcode.Traits {
    /// Size in bytes of the BTH and the extension headers named here.
    @inline(always)
    fileprivate var headerByteCount: Int {
        var byteCount = BTH.byteCount
        if self.contains(.xrceth) { byteCount += XRCETH.byteCount }
        if self.contains(.deth) { byteCount += DETH.byteCount }
        if self.contains(.feth) { byteCount += FETH.byteCount }
        if self.contains(.reth) { byteCount += RETH.byteCount }
        if self.contains(.atomicETH) { byteCount += AtomicETH.byteCount }
        if self.contains(.aeth) { byteCount += AETH.byteCount }
        if self.contains(.atomicAckETH) { byteCount += AtomicAckETH.byteCount }
        if self.contains(.immediate) { byteCount += ImmDt.byteCount }
        if self.contains(.invalidate) { byteCount += IETH.byteCount }
        return byteCount
    }
}

// MARK: - Codec

extension PacketHeader {
    /// Parses the headers of `packet`, which runs from the BTH to the end of the pad, without the ICRC.
    ///
    /// Throws for an opcode that is not known, another transport version, headers or a pad that do not fit, a payload
    /// where the opcode has none, and one that the pad does not bring to a multiple of 4 bytes.
    package init(parsing packet: RawSpan) throws(WireError) {
        let bth = try BTH(parsing: packet)
        let traits = bth.opcode.traits
        guard !traits.isEmpty else { throw .unknownOpcode(bth.opcode) }
        let headerByteCount = traits.headerByteCount
        try packet.checkRoom(for: headerByteCount, at: 0)

        self.init(bth: bth)
        // A middle packet, the most frequent one, has only the BTH.
        if headerByteCount > BTH.byteCount { try self.parseExtensions(of: packet, traits: traits) }
        try self.checkPayload(
            byteCountWithPad: packet.byteCount - headerByteCount,
            mayFollow: traits.contains(.payload)
        )
    }

    /// Reads what stands behind the BTH. Apart from the initializer, so that it fills the header where it lies.
    @inline(never)
    private mutating func parseExtensions(of packet: RawSpan, traits: Opcode.Traits) throws(WireError) {
        var offset = BTH.byteCount
        if traits.contains(.xrceth) {
            self.xrceth = try XRCETH(parsing: packet, at: offset)
            offset += XRCETH.byteCount
        }
        if traits.contains(.deth) {
            self.deth = try DETH(parsing: packet, at: offset)
            offset += DETH.byteCount
        }
        if traits.contains(.feth) {
            self.feth = try FETH(parsing: packet, at: offset)
            offset += FETH.byteCount
        }
        if traits.contains(.reth) {
            self.reth = try RETH(parsing: packet, at: offset)
            offset += RETH.byteCount
        }
        if traits.contains(.atomicETH) {
            self.atomicETH = try AtomicETH(parsing: packet, at: offset)
            offset += AtomicETH.byteCount
        }
        if traits.contains(.aeth) {
            self.aeth = try AETH(parsing: packet, at: offset)
            offset += AETH.byteCount
        }
        if traits.contains(.atomicAckETH) {
            self.atomicAckETH = try AtomicAckETH(parsing: packet, at: offset)
            offset += AtomicAckETH.byteCount
        }
        if traits.contains(.immediate) {
            self.immediate = try ImmDt(parsing: packet, at: offset).value
            offset += ImmDt.byteCount
        }
        if traits.contains(.invalidate) {
            self.invalidateRKey = try IETH(parsing: packet, at: offset).rKey
        }
    }

    /// Throws unless what stands behind the headers can be payload and pad.
    private func checkPayload(byteCountWithPad: Int, mayFollow: Bool) throws(WireError) {
        guard byteCountWithPad >= Int(self.bth.padCount) else {
            throw .padTooLong(padCount: self.bth.padCount, available: byteCountWithPad)
        }
        guard mayFollow || byteCountWithPad == 0 else {
            throw .unexpectedPayload(byteCount: byteCountWithPad)
        }
        guard byteCountWithPad & 3 == 0 else { throw .unalignedPayload(byteCount: byteCountWithPad) }
    }

    /// Writes the headers at the start of `bytes`, reserved bits as zero.
    ///
    /// - Precondition: the opcode is known and `bytes` holds at least `byteCount` bytes.
    package func encode(into bytes: inout MutableRawSpan) {
        let traits = self.bth.opcode.traits
        precondition(!traits.isEmpty, "an opcode without a meaning")
        self.bth.encode(into: &bytes)
        var offset = BTH.byteCount
        if traits.contains(.xrceth) {
            self.xrceth.encode(into: &bytes, at: offset)
            offset += XRCETH.byteCount
        }
        if traits.contains(.deth) {
            self.deth.encode(into: &bytes, at: offset)
            offset += DETH.byteCount
        }
        if traits.contains(.feth) {
            self.feth.encode(into: &bytes, at: offset)
            offset += FETH.byteCount
        }
        if traits.contains(.reth) {
            self.reth.encode(into: &bytes, at: offset)
            offset += RETH.byteCount
        }
        if traits.contains(.atomicETH) {
            self.atomicETH.encode(into: &bytes, at: offset)
            offset += AtomicETH.byteCount
        }
        if traits.contains(.aeth) {
            self.aeth.encode(into: &bytes, at: offset)
            offset += AETH.byteCount
        }
        if traits.contains(.atomicAckETH) {
            self.atomicAckETH.encode(into: &bytes, at: offset)
            offset += AtomicAckETH.byteCount
        }
        if traits.contains(.immediate) {
            ImmDt(value: self.immediate).encode(into: &bytes, at: offset)
            offset += ImmDt.byteCount
        }
        if traits.contains(.invalidate) {
            IETH(rKey: self.invalidateRKey).encode(into: &bytes, at: offset)
        }
    }
}
