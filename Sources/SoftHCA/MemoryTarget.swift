internal import Registration
internal import Segment
internal import SystemIO

/// What a region shall name, and what may be done to it.
internal struct MemoryTarget {
    var address: UInt64
    var byteCount: UInt64
    /// What work requests call the first byte.
    var virtualAddress: UInt64
    var access: AccessFlags

    /// Bits that a device may ignore: `IBV_ACCESS_OPTIONAL_RANGE`.
    private static var optionalBits: UInt32 { 0x3FF0_0000 }

    var kind: MemoryKind { self.access.contains(.onDemand) ? .onDemandRegion : .region }

    /// On demand, the whole address space.
    var isImplicit: Bool { self.access.contains(.onDemand) && self.address == 0 && self.byteCount == .max }

    /// What is never mapped at the beginning of an address space, so that no request names a null pointer.
    private static var nullByteCount: UInt64 { 4096 }

    /// Makes the range known under a new key. See `ProcessSegment.register`.
    func register(
        in segment: ProcessSegment,
        domain: ProtectionDomain,
        kind: MemoryKind
    ) throws(Errno) -> UInt32 {
        let skipped = self.isImplicit ? Self.nullByteCount : 0
        return try segment.register(
            address: self.address + skipped,
            virtualAddress: self.virtualAddress + skipped,
            byteCount: self.byteCount - skipped,
            access: self.access,
            domain: domain.handle,
            kind: kind
        )
    }
}

// MARK: - Checks

extension MemoryTarget {
    /// - Throws: See `MemoryRegion.init`.
    func check() throws(Errno) {
        try Self.check(self.access)
        if self.isImplicit {
            guard self.virtualAddress == 0, !self.access.contains(.hugeTLB) else { throw .invalidArgument }
            return
        }
        guard self.byteCount > 0, let signedByteCount = Int(exactly: self.byteCount),
            !self.address.addingReportingOverflow(self.byteCount).overflow,
            !self.virtualAddress.addingReportingOverflow(self.byteCount - 1).overflow
        else { throw .invalidArgument }
        // On demand, pages may come later.
        guard self.kind == .region else { return }
        try AddressSpace.check(
            address: UInt(self.address),
            byteCount: signedByteCount,
            needsWrite: self.access.contains(.localWrite)
        )
    }

    static func check(_ access: AccessFlags) throws(Errno) {
        let known: AccessFlags = [.localWrite, .remote, .bindWindow, .zeroBased, .onDemand, .hugeTLB, .flushes]
        guard access.rawValue & ~(known.rawValue | Self.optionalBits) == 0 else { throw .invalidArgument }
        let needsLocalWrite = !access.isDisjoint(with: [.remoteWrite, .remoteAtomic])
        guard !needsLocalWrite || access.contains(.localWrite) else { throw .invalidArgument }
        guard access.isDisjoint(with: .flushes) else { throw .notSupported }
    }
}

// MARK: - Registration

extension MemoryTarget {
    /// The part of registration that concerns the pages. The range has been checked.
    ///
    /// - Throws: `ENOMEM`.
    func registeredRange(in segment: ProcessSegment, kind: MemoryKind) throws(Errno) -> RegisteredRange {
        var options: RegistrationOptions = [.isKnownMapped]
        // The segment is kept out of children as a whole, for as long as the process lives.
        if kind != .region || segment.contains(address: self.address) { options.insert(.onDemand) }
        if !self.access.contains(.localWrite) { options.insert(.readOnly) }
        if kind.place == .process { FaultGuard.refresh() }
        return try RegistrationAccount.shared.register(
            address: UInt(self.address),
            byteCount: UInt(self.byteCount),
            options: options
        )
    }
}
