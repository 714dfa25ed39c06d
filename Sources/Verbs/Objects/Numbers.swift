/// The number of a queue pair: 24 bits, unique on its adapter.
public struct QPN: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    /// - Parameter rawValue: Bits above the 24th are cut off.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue & 0xFF_FFFF
    }
}

extension QPN: CustomStringConvertible {
    public var description: String { "0x" + String(self.rawValue, radix: 16) }
}

/// A packet sequence number: 24 bits, wraps.
public struct PSN: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    /// - Parameter rawValue: Bits above the 24th are cut off.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue & 0xFF_FFFF
    }

    /// A number that nobody can foresee.
    public static func random() -> PSN { PSN(rawValue: .random(in: 0...0xFF_FFFF)) }
}

/// The key by which a peer names a region of this side's memory.
public struct RKey: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }
}

/// The key of an unreliable datagram's receiver: a datagram that carries another one is dropped.
public struct QKey: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }
}
