internal import Registration
package import Segment
internal import Synchronization
package import SystemIO

/// A range of memory that work requests may name. See ibv_reg_mr(3).
///
/// `+Kinds` has the regions that are not memory of the program, `+Change` what may be changed.
package final class MemoryRegion {
    // SAFETY: changed by `reregister` and `close` only, which the program may not call at once with any other use.
    package internal(set) var domain: ProtectionDomain
    package internal(set) var address: UInt64
    package internal(set) var byteCount: UInt64
    package internal(set) var access: AccessFlags
    /// The address by which work requests name the first byte.
    package internal(set) var virtualAddress: UInt64
    internal var key: UInt32
    internal let kind: MemoryKind
    /// Keeps the pages out of forked children, and pinned where that is asked for; `nil` once the region is closed.
    internal var range: RegisteredRange?
    /// What a region of device memory lies in.
    private let deviceMemory: DeviceMemory?
    /// Unique in the process; never 0.
    package let handle: UInt32
    package let generation = ProcessGuard.generation

    private static let lastHandle = Atomic<UInt32>(0)

    /// Registers memory.
    ///
    /// - Parameters:
    ///   - address: First byte. On demand, address 0 with the largest length is the whole address space.
    ///   - iova: What work requests call that byte. Not used with `AccessFlags.zeroBased`, which calls it 0.
    /// - Throws: `EINVAL` for a length of 0, a range that wraps, unknown access flags, or remote writing or atomics without
    ///   local writing; `EOPNOTSUPP` for flags that are not built; `EFAULT` when a part is not mapped, or not writable where
    ///   local writing is asked for, unless the region is on demand; `ENOMEM`; `EIO` in a forked child.
    package convenience init(
        domain: ProtectionDomain,
        address: UInt64,
        byteCount: UInt64,
        iova: UInt64,
        access: AccessFlags
    ) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        let target = MemoryTarget(
            address: address,
            byteCount: byteCount,
            virtualAddress: access.contains(.zeroBased) ? 0 : iova,
            access: access
        )
        try target.check()
        try self.init(domain: domain, kind: target.kind, target: target, deviceMemory: nil)
    }

    /// - Parameter target: Has been checked.
    internal init(
        domain: ProtectionDomain,
        kind: MemoryKind,
        target: MemoryTarget,
        deviceMemory: DeviceMemory?
    ) throws(Errno) {
        try domain.users.begin()
        do throws(Errno) {
            let range = try target.registeredRange(in: domain.context.segment, kind: kind)
            self.key = try target.register(in: domain.context.segment, domain: domain, kind: kind)
            self.range = consume range
        } catch {
            domain.users.end()
            throw error
        }
        self.domain = domain
        self.address = target.address
        self.byteCount = target.byteCount
        self.access = target.access
        self.virtualAddress = target.virtualAddress
        self.kind = kind
        self.deviceMemory = deviceMemory
        self.handle = Self.lastHandle.wrappingAdd(1, ordering: .relaxed).newValue
        domain.context.regions.insert(self, handle: self.handle)
    }

    /// Takes the key back. Returns when nobody touches the memory any more.
    ///
    /// - Throws: `EBUSY` while a window is bound to it, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard self.range != nil else { throw .invalidArgument }
        try self.domain.context.segment.deregister(key: self.key)
        self.range = nil
        self.domain.context.regions.remove(handle: self.handle)
        self.deviceMemory?.users.end()
        self.domain.users.end()
    }
}

// SAFETY: see the stored properties.
extension MemoryRegion: @unchecked Sendable {}

// MARK: - Keys

extension MemoryRegion {
    package var lKey: UInt32 { self.key }
    /// 0 where no peer may name the region.
    package var rKey: UInt32 { self.kind == .null ? 0 : self.key }
}
