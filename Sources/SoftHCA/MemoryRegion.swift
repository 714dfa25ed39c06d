internal import Registration
package import Segment
package import SystemIO

/// A range of this process's memory that work requests may name. See ibv_reg_mr(3).
package final class MemoryRegion {
    // SAFETY: changed by `reregister` and `close` only, which the program may not call at once with any other use.
    package private(set) var domain: ProtectionDomain
    package private(set) var address: UInt64
    package private(set) var byteCount: UInt64
    package private(set) var access: AccessFlags
    /// The address by which work requests name the first byte.
    package private(set) var virtualAddress: UInt64
    private var key: UInt32
    /// Keeps the pages out of forked children, and pinned where that is asked for; `nil` once the region is closed.
    private var range: RegisteredRange?
    package let generation = ProcessGuard.generation

    /// Registers memory.
    ///
    /// - Parameters:
    ///   - address: First byte.
    ///   - iova: What work requests call that byte. Not used with `AccessFlags.zeroBased`, which calls it 0.
    /// - Throws: `EINVAL` for a length of 0, a range that wraps, unknown access flags, or remote writing or atomics without
    ///   local writing; `EOPNOTSUPP` for flags that are not built; `EFAULT` when a part is not mapped, or not writable where
    ///   local writing is asked for; `ENOMEM`; `EIO` in a forked child.
    package init(
        domain: ProtectionDomain,
        address: UInt64,
        byteCount: UInt64,
        iova: UInt64,
        access: AccessFlags
    ) throws(Errno) {
        let virtualAddress = access.contains(.zeroBased) ? 0 : iova
        try ProcessGuard.check(domain.generation)
        try Self.check(access)
        try Self.check(address: address, byteCount: byteCount, virtualAddress: virtualAddress, access: access)
        try domain.users.begin()
        do throws(Errno) {
            let range = try Self.registeredRange(
                in: domain.context.segment,
                address: address,
                byteCount: byteCount,
                access: access
            )
            self.key = try domain.context.segment.register(
                address: address,
                virtualAddress: virtualAddress,
                byteCount: byteCount,
                access: access,
                domain: domain.handle
            )
            self.range = consume range
        } catch {
            domain.users.end()
            throw error
        }
        self.domain = domain
        self.address = address
        self.byteCount = byteCount
        self.access = access
        self.virtualAddress = virtualAddress
    }
}

// SAFETY: see the stored properties.
extension MemoryRegion: @unchecked Sendable {}

// MARK: - Keys

extension MemoryRegion {
    package var lKey: UInt32 { self.key }
    package var rKey: UInt32 { self.key }
}

// MARK: - Checks

extension MemoryRegion {
    /// Bits that a device may ignore: `IBV_ACCESS_OPTIONAL_RANGE`.
    private static var optionalBits: UInt32 { 0x3FF0_0000 }

    private static func check(_ access: AccessFlags) throws(Errno) {
        let known: AccessFlags = [.localWrite, .remote, .bindWindow, .zeroBased, .onDemand, .hugeTLB, .flushes]
        guard access.rawValue & ~(known.rawValue | Self.optionalBits) == 0 else { throw .invalidArgument }
        let needsLocalWrite = !access.isDisjoint(with: [.remoteWrite, .remoteAtomic])
        guard !needsLocalWrite || access.contains(.localWrite) else { throw .invalidArgument }
        guard access.isDisjoint(with: [.onDemand, .flushes]) else { throw .notSupported }
    }

    private static func check(
        address: UInt64,
        byteCount: UInt64,
        virtualAddress: UInt64,
        access: AccessFlags
    ) throws(Errno) {
        guard byteCount > 0, let signedByteCount = Int(exactly: byteCount),
            !address.addingReportingOverflow(byteCount).overflow,
            !virtualAddress.addingReportingOverflow(byteCount - 1).overflow
        else { throw .invalidArgument }
        try AddressSpace.check(
            address: UInt(address),
            byteCount: signedByteCount,
            needsWrite: access.contains(.localWrite)
        )
    }
}

// MARK: - Registration

extension MemoryRegion {
    /// The part of registration that concerns the pages. The range has been checked.
    private static func registeredRange(
        in segment: ProcessSegment,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags
    ) throws(Errno) -> RegisteredRange {
        var options: RegistrationOptions = [.isKnownMapped]
        if !access.contains(.localWrite) { options.insert(.readOnly) }
        // The segment is kept out of children as a whole, for as long as the process lives.
        if segment.contains(address: address) { options.insert(.onDemand) }
        return try RegistrationAccount.shared.register(
            address: UInt(address),
            byteCount: UInt(byteCount),
            options: options
        )
    }
}

// MARK: - Changing and closing

extension MemoryRegion {
    /// What `reregister` changes: the bits of `ibv_rereg_mr_flags`.
    package struct Changes: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static var translation: Changes { Changes(rawValue: 1) }
        package static var domain: Changes { Changes(rawValue: 1 << 1) }
        package static var access: Changes { Changes(rawValue: 1 << 2) }
    }

    /// Changes the region. A new translation has new keys; else they stay. When this throws, the region is as it was.
    ///
    /// - Throws: As `init` does; `EINVAL` for unknown changes, and for a domain of another context. See ibv_rereg_mr(3).
    package func reregister(
        _ changes: Changes,
        domain: ProtectionDomain?,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags
    ) throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard self.range != nil, changes.subtracting([.translation, .domain, .access]).isEmpty,
            let newDomain = changes.contains(.domain) ? domain : self.domain,
            newDomain.context === self.domain.context
        else { throw .invalidArgument }
        let newAccess = changes.contains(.access) ? access : self.access
        let moves = changes.contains(.translation)
        let newAddress = moves ? address : self.address
        let newByteCount = moves ? byteCount : self.byteCount
        var newVirtualAddress = moves ? address : self.virtualAddress
        if newAccess.contains(.zeroBased) { newVirtualAddress = 0 }
        try Self.check(newAccess)
        try Self.check(
            address: newAddress,
            byteCount: newByteCount,
            virtualAddress: newVirtualAddress,
            access: newAccess
        )

        // The new key first: if it cannot be had, nothing has changed.
        try newDomain.users.begin()
        let segment = self.domain.context.segment
        guard moves || newVirtualAddress != self.virtualAddress else {
            do throws(Errno) {
                try segment.change(key: self.key, access: newAccess, domain: newDomain.handle)
            } catch {
                newDomain.users.end()
                throw error
            }
            self.domain.users.end()
            self.domain = newDomain
            self.access = newAccess
            return
        }
        let newKey: UInt32
        do throws(Errno) {
            let newRange = try Self.registeredRange(
                in: segment,
                address: newAddress,
                byteCount: newByteCount,
                access: newAccess
            )
            newKey = try segment.register(
                address: newAddress,
                virtualAddress: newVirtualAddress,
                byteCount: newByteCount,
                access: newAccess,
                domain: newDomain.handle
            )
            try segment.deregister(key: self.key)
            self.range = consume newRange
        } catch {
            newDomain.users.end()
            throw error
        }
        self.domain.users.end()
        self.domain = newDomain
        self.address = newAddress
        self.byteCount = newByteCount
        self.virtualAddress = newVirtualAddress
        self.access = newAccess
        self.key = newKey
    }

    /// Takes the key back. Returns when nobody touches the memory any more.
    ///
    /// - Throws: `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard self.range != nil else { throw .invalidArgument }
        try self.domain.context.segment.deregister(key: self.key)
        self.range = nil
        self.domain.users.end()
    }
}
