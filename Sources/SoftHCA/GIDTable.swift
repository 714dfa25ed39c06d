package import SystemIO
internal import Wire

/// The GIDs of a port: the addresses of its interface, at indices that stay as long as the process lives.
///
/// At first: the link-local IPv6 address, then the IPv4 addresses in mapped form, then the other IPv6 addresses. Later an
/// address that goes leaves a hole, to which it comes back; a new one is appended, or fills a hole when the table is full.
package struct GIDTable: Sendable {
    private struct Slot {
        var gid: GID
        var isPresent: Bool
    }

    private var slots: [Slot] = []
    private var interfaceIndex: UInt32 = 0

    package init() {}

    /// Brings the table up to date with the interface; `nil` when the interface is gone.
    package mutating func refresh(from interface: NetworkInterface?) {
        let gids = interface.map(Self.gids) ?? []
        if let interface { self.interfaceIndex = interface.index }
        for index in self.slots.indices {
            self.slots[index].isPresent = gids.contains(self.slots[index].gid)
        }
        for gid in gids where !self.slots.contains(where: { $0.gid == gid }) {
            if self.slots.count < Limits.gids {
                self.slots.append(Slot(gid: gid, isPresent: true))
            } else if let hole = self.slots.firstIndex(where: { !$0.isPresent }) {
                self.slots[hole] = Slot(gid: gid, isPresent: true)
            }
        }
    }

    /// Length of the table, with its holes.
    package var count: Int { self.slots.count }

    /// The entry at `index`, or `nil` for a hole or outside the table.
    package subscript(index: Int) -> GIDEntry? {
        guard self.slots.indices.contains(index), self.slots[index].isPresent else { return nil }
        return GIDEntry(gid: self.slots[index].gid, index: index, interfaceIndex: self.interfaceIndex)
    }

    /// The GIDs of an interface in the order of a fresh table, each once.
    private static func gids(of interface: NetworkInterface) -> [GID] {
        // The link-local address is usable some two seconds after the link came up. It has its place before, or the
        // index of every other address would depend on when somebody looked first.
        let addresses = interface.addresses.filter { !$0.isTentative || $0.address.isLinkLocal }.map(\.address)
        let ordered =
            [interface.comingLinkLocal].compactMap(\.self)
            + addresses.filter { !$0.isIPv4 && $0.isLinkLocal }
            + addresses.filter(\.isIPv4)
            + addresses.filter { !$0.isIPv4 && !$0.isLinkLocal }
        var gids: [GID] = []
        for address in ordered {
            let gid = GID(prefix: address.high, interfaceID: address.low)
            if !gids.contains(gid) { gids.append(gid) }
        }
        return gids
    }
}
