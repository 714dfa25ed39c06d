internal import Synchronization

/// Numbers for the `handle` fields of objects that have none of their own. Programs may print them.
internal enum ObjectNumber {
    private static let last = Atomic<UInt32>(0)

    /// A number that no other object was given, but for wrapping around.
    internal static func next() -> UInt32 { Self.last.wrappingAdd(1, ordering: .relaxed).newValue }
}
