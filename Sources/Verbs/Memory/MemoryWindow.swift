/// A key to a part of a region that can be given and taken away by work requests, in their order, without registering anew.
///
/// ```swift
/// func lend(
///     _ pair: borrowing QueuePair<RC, ReadyToSend>,
///     _ window: borrowing MemoryWindow<WindowType2>,
///     _ region: borrowing MemoryRegion
/// ) throws(VerbsError) -> RemoteRegion {
///     try pair.bind(window, to: region, 0..<4096, remoteAccess: [.write], id: 1)
/// }
/// ```
///
/// The region must allow it (``RemoteAccess/windows``) and belong to the same domain. While a window is bound, its region cannot
/// be closed (``VerbsError/Code/busy``). A window keeps each region that it has been bound to, until it is let go itself;
/// then it is bound no more. See <doc:MemoryWindows> and ibv_alloc_mw(3).
public struct MemoryWindow<Kind: MemoryWindowKind>: ~Copyable, Sendable {
    internal let handle: WindowHandle

    /// Makes a window that is not bound.
    ///
    /// - Parameter domain: Whose regions it may be bound to. The window keeps it.
    /// - Throws: ``VerbsError/Code/notSupported`` when the adapter has none of this type, ``VerbsError/Code/outOfResources``.
    public init(in domain: borrowing ProtectionDomain) throws(VerbsError) {
        self.handle = try WindowHandle(domain.handle, isType2: Kind.isType2)
    }

    /// Takes the key away and frees the window now.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

/// The type of a memory window. See IBTA Volume 1, section 10.6.7.2.
public protocol MemoryWindowKind: Sendable {
    /// Whether it is bound by a work request, and belongs to a queue pair then.
    static var isType2: Bool { get }
}

/// A window whose key any queue pair of the domain answers to. The adapter chooses a new key with each bind.
public enum WindowType1: MemoryWindowKind {
    public static var isType2: Bool { false }
}

/// A window whose key is good only on the connection over which it was bound, and which also the peer can take away: see
/// ``SendRequest/send(_:invalidating:)``. The specification calls it type 2B.
public enum WindowType2: MemoryWindowKind {
    public static var isType2: Bool { true }
}
