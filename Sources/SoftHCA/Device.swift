package import SystemIO

/// An adapter that can be opened: one for each network interface that is up and has an address.
///
/// One object stands for one interface as long as the process lives, so names and GID indices are stable.
package final class Device {
    /// `verbena0`, `verbena1`, …
    package let name: String
    package let index: Int
    package let interfaceName: String
    package let interfaceIndex: UInt32
    /// EUI-64 of the hardware address, as a number whose most significant byte comes first.
    package let nodeGUID: UInt64

    // SAFETY: the table is read and written under `lock` only.
    private let lock = Lock()
    private var gids = GIDTable()

    package init(index: Int, interface: NetworkInterface) {
        self.name = "verbena\(index)"
        self.index = index
        self.interfaceName = interface.name
        self.interfaceIndex = interface.index
        self.nodeGUID = Self.nodeGUID(of: interface)
        self.gids.refresh(from: interface)
    }
}

// SAFETY: see the stored properties.
extension Device: @unchecked Sendable {}

// MARK: - Finding

extension Device {
    /// Lists the devices of this machine, or of the network namespace that the process is in.
    ///
    /// - Throws: `EMFILE`; `EACCES` in a sandbox that forbids looking at the interfaces.
    package static func enumerate() throws(Errno) -> [Device] {
        DeviceCatalog.shared.devices(of: try NetworkInterfaces.enumerate())
    }

    /// The interfaces that get a device, in the order of the names: loopback only where there is nothing else.
    package static func eligible(among interfaces: [NetworkInterface]) -> [NetworkInterface] {
        let usable = interfaces.filter { $0.isUp && !$0.addresses.isEmpty }.sorted { $0.index < $1.index }
        let real = usable.filter { !$0.isLoopback }
        return real.isEmpty ? usable : real
    }

    private static func nodeGUID(of interface: NetworkInterface) -> UInt64 {
        if let eui64 = interface.eui64 { return eui64 }
        // No address to derive from. FNV-1a of the name, marked as locally administered.
        let hash = interface.name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return hash & ~(1 << 56) | 1 << 57
    }
}

// MARK: - Looking at the interface

extension Device {
    /// The interface as it is now, or `nil` when it is gone. Brings the GID table up to date.
    ///
    /// - Throws: `EMFILE`; `EACCES` in a sandbox that forbids looking at the interfaces.
    @discardableResult
    package func refresh() throws(Errno) -> NetworkInterface? {
        let interface = try self.interface()
        self.refresh(from: interface)
        return interface
    }

    /// The interface as it is now, or `nil` when it is gone. Leaves the GID table as it is.
    ///
    /// - Throws: As ``refresh()``.
    internal func interface() throws(Errno) -> NetworkInterface? {
        try NetworkInterfaces.enumerate().first { $0.index == self.interfaceIndex }
    }

    internal func refresh(from interface: NetworkInterface?) {
        self.lock.withLock { self.gids.refresh(from: interface) }
    }

    /// The entry of the GID table at `index`, as of the last refresh; looks again before it says `nil`.
    package func gid(at index: Int) -> GIDEntry? {
        guard (0..<Limits.gids).contains(index) else { return nil }
        if let entry = self.lock.withLock({ self.gids[index] }) { return entry }
        _ = try? self.refresh()
        return self.lock.withLock { self.gids[index] }
    }

    /// The entry of the GID table at `index`, or `nil` for a hole, as of the last refresh.
    internal func knownGID(at index: Int) -> GIDEntry? { self.lock.withLock { self.gids[index] } }

    /// Length of the GID table, as of the last refresh; holes count.
    package var gidCount: Int { self.lock.withLock { self.gids.count } }
}
