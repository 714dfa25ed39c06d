/// A network interface of the machine, or of the namespace that the process lives in, as it was when it was asked for.
package struct NetworkInterface: Hashable, Sendable {
    package var name: String
    /// The kernel's number for it; counts from 1, with gaps.
    package var index: UInt32
    /// Whether it is switched on.
    package var isUp: Bool
    /// Whether packets can pass: it is up and has a carrier.
    package var isRunning: Bool
    package var isLoopback: Bool
    /// Largest IP packet, in bytes.
    package var mtu: Int
    /// The hardware address, or zeros where there is none (loopback).
    package var macAddress: [UInt8]
    /// Megabits per second, where the driver says.
    package var speedMegabits: Int?
    package var addresses: [Address]
    /// The link-local address that the kernel will give it once its link has come up; `nil` when it has one, or gets none.
    package var comingLinkLocal: IPAddress?

    /// An address of an interface.
    package struct Address: Hashable, Sendable {
        package var address: IPAddress
        /// Leading bits that name the subnet, from 0 to 32 or 128.
        package var prefixBitCount: Int
        package var scope: Scope
        /// Whether duplicate address detection still runs, or has failed: the address must not be used yet.
        package var isTentative: Bool
    }

    /// How far an address is meaningful.
    package enum Scope: Hashable, Sendable {
        case global
        case link
        case host
    }
}

extension NetworkInterface {
    /// EUI-64 of the hardware address, as a number whose most significant byte comes first; `nil` when there is none to
    /// derive it from.
    package var eui64: UInt64? {
        let mac = self.macAddress
        guard mac.count == 6, mac.contains(where: { $0 != 0 }) else { return nil }
        // The universal/local bit is inverted in an EUI-64, and FF FE stands in the middle.
        let bytes = [mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]]
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    package var ipv4Addresses: [Address] { self.addresses.filter { $0.address.isIPv4 } }
    package var ipv6Addresses: [Address] { self.addresses.filter { !$0.address.isIPv4 } }
}
