package import Segment
package import SystemIO

// Regions that are not memory of the program.

extension MemoryRegion {
    /// Registers a part of device memory. See ibv_alloc_dm(3).
    ///
    /// - Parameter access: With `AccessFlags.zeroBased`.
    /// - Throws: `EINVAL` when the part does not lie in the memory, is of another device, or the access flags are not those
    ///   of device memory; `ENOMEM`; `EIO` in a forked child.
    package convenience init(
        domain: ProtectionDomain,
        deviceMemory: DeviceMemory,
        byteOffset: UInt64,
        byteCount: UInt64,
        access: AccessFlags
    ) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        try MemoryTarget.check(access)
        let allowed: AccessFlags = [.localWrite, .remote, .zeroBased, .bindWindow, .relaxedOrdering]
        guard access.contains(.zeroBased), allowed.contains(access), deviceMemory.context === domain.context,
            deviceMemory.holds(byteOffset: byteOffset, byteCount: byteCount)
        else { throw .invalidArgument }
        try deviceMemory.users.begin()
        do throws(Errno) {
            try self.init(
                domain: domain,
                kind: .deviceMemory,
                target: MemoryTarget(
                    address: deviceMemory.segmentOffset + byteOffset,
                    byteCount: byteCount,
                    virtualAddress: 0,
                    access: access
                ),
                deviceMemory: deviceMemory
            )
        } catch {
            deviceMemory.users.end()
            throw error
        }
    }

    /// A region that is everywhere, reads as zeros and forgets what is written. See ibv_alloc_null_mr(3).
    ///
    /// - Throws: `ENOMEM`; `EIO` in a forked child.
    package convenience init(nullIn domain: ProtectionDomain) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        try self.init(
            domain: domain,
            kind: .null,
            target: MemoryTarget(address: 0, byteCount: .max, virtualAddress: 0, access: .localWrite),
            deviceMemory: nil
        )
    }
}

// MARK: - Advice

extension MemoryRegion {
    /// What a program expects of a part of an on-demand region. See ibv_advise_mr(3).
    package enum Advice: UInt32, Sendable {
        case prefetch = 0
        case prefetchWrite = 1
        case prefetchNoFault = 2
    }

    /// Brings pages of on-demand regions into memory.
    ///
    /// - Parameters:
    ///   - pieces: Keys and ranges, in the regions' own terms.
    ///   - isSynchronous: Whether pages that cannot be had are an error.
    /// - Throws: `ENOENT` for a key that is not valid, `EINVAL` for one of a region that is not on demand, `EPERM` for one of
    ///   another domain or, to prefetch for writing, of a region that may not be written; `EFAULT` when a range is out of
    ///   bounds or, if synchronous, not mapped; `EIO` in a forked child.
    package static func advise(
        _ advice: Advice,
        isSynchronous: Bool,
        _ pieces: UnsafeBufferPointer<ScatterElement>,
        domain: ProtectionDomain
    ) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        // SAFETY: the caller has the elements there.
        for index in pieces.indices { _ = try Self.location(of: unsafe pieces[index], advice, domain) }
        guard advice != .prefetchNoFault else { return }
        for index in pieces.indices {
            let piece = unsafe pieces[index]
            let location = try Self.location(of: piece, advice, domain)
            let error = PageAdvice.populate(
                address: UInt(location.position),
                byteCount: UInt(piece.byteCount),
                forWriting: advice == .prefetchWrite
            )
            if isSynchronous, error != nil { throw .badAddress }
        }
    }

    private static func location(
        of piece: ScatterElement,
        _ advice: Advice,
        _ domain: ProtectionDomain
    ) throws(Errno) -> MemoryLocation {
        let table = domain.context.segment.memory
        let entry = table.entry(forKey: piece.lKey)
        guard table.isValid(key: piece.lKey) else { throw .noSuchFile }
        guard MemoryKind(rawValue: entry.kind.relaxed) == .onDemandRegion else { throw .invalidArgument }
        let access = AccessFlags(rawValue: entry.access.relaxed)
        guard entry.domain.relaxed == domain.handle, advice != .prefetchWrite || access.contains(.localWrite) else {
            throw .operationNotPermitted
        }
        let location = table.resolve(
            key: piece.lKey,
            address: piece.address,
            byteCount: UInt64(piece.byteCount),
            access: [],
            by: .local(domain: domain.handle)
        )
        guard let location else { throw .badAddress }
        return location
    }
}
