import Testing
import Wire

@testable import SoftHCA
@testable import SystemIO

@Suite("GID table")
struct GIDTableTests {
    private static let linkLocal = IPAddress(high: 0xFE80_0000_0000_0000, low: 0x5054_00FF_FE12_3456)
    private static let ipv4 = IPAddress(ipv4: 0x0A00_0001)
    private static let otherIPv4 = IPAddress(ipv4: 0x0A00_0002)
    private static let global = IPAddress(high: 0x2001_0DB8_0000_0000, low: 1)

    private static func gid(_ address: IPAddress) -> GID { GID(prefix: address.high, interfaceID: address.low) }

    private func gids(_ table: GIDTable) -> [GID?] { (0..<table.count).map { table[$0]?.gid } }

    private func table(_ addresses: [IPAddress]) -> GIDTable {
        var table = GIDTable()
        table.refresh(from: .fake(addresses: addresses))
        return table
    }

    @Test func `link-local comes first, then IPv4, then other IPv6, each once`() {
        let table = self.table([Self.global, Self.ipv4, Self.otherIPv4, Self.ipv4, Self.linkLocal, Self.global])
        #expect(self.gids(table) == [Self.linkLocal, Self.ipv4, Self.otherIPv4, Self.global].map(Self.gid))
        #expect(table[1]?.gid.isIPv4Mapped == true)
        #expect(table[1]?.index == 1)
        #expect(table[1]?.interfaceIndex == 2)
    }

    @Test func `without a link-local address IPv4 comes first`() {
        #expect(self.gids(self.table([Self.global, Self.ipv4])) == [Self.ipv4, Self.global].map(Self.gid))
    }

    @Test func `an address that is not usable yet is left out, but the link-local one keeps the first place`() {
        var interface = NetworkInterface.fake(addresses: [Self.linkLocal, Self.ipv4, Self.global])
        interface.addresses[0].isTentative = true
        interface.addresses[2].isTentative = true
        var table = GIDTable()
        table.refresh(from: interface)
        #expect(self.gids(table) == [Self.gid(Self.linkLocal), Self.gid(Self.ipv4)])
    }

    @Test func `a link-local address that is still to come has the first place`() {
        var interface = NetworkInterface.fake(addresses: [Self.ipv4])
        interface.comingLinkLocal = Self.linkLocal
        var table = GIDTable()
        table.refresh(from: interface)
        table.refresh(from: .fake(addresses: [Self.ipv4, Self.linkLocal]))
        #expect(self.gids(table) == [Self.gid(Self.linkLocal), Self.gid(Self.ipv4)])
    }

    @Test func `an address keeps its index, also when it goes and comes back`() {
        var table = self.table([Self.ipv4, Self.otherIPv4, Self.global])
        table.refresh(from: .fake(addresses: [Self.otherIPv4, Self.global]))
        #expect(self.gids(table) == [nil, Self.gid(Self.otherIPv4), Self.gid(Self.global)])
        table.refresh(from: .fake(addresses: [Self.linkLocal, Self.otherIPv4, Self.global]))
        #expect(self.gids(table) == [nil] + [Self.otherIPv4, Self.global, Self.linkLocal].map(Self.gid))
        table.refresh(from: .fake(addresses: [Self.global, Self.ipv4]))
        #expect(self.gids(table) == [Self.gid(Self.ipv4), nil, Self.gid(Self.global), nil])
        table.refresh(from: nil)
        #expect(self.gids(table) == [nil, nil, nil, nil])
    }

    @Test func `a full table fills its holes and never grows`() {
        let many = (0..<UInt32(Limits.gids + 10)).map { IPAddress(ipv4: 0x0A00_0000 + $0) }
        var table = self.table(many)
        #expect(table.count == Limits.gids)
        table.refresh(from: .fake(addresses: Array(many.suffix(12))))
        #expect(table.count == Limits.gids)
        // The first hole goes to the first address that had found no room.
        #expect(table[0]?.gid == Self.gid(many[Limits.gids]))
        #expect(table[255]?.gid == Self.gid(many[255]))
        #expect(table[256] == nil)
        #expect(table[-1] == nil)
    }
}
