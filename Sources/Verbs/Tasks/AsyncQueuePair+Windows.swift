extension AsyncQueuePair where Service: ConnectedService {
    /// Binds a window to a part of a region and waits until that has ended. See
    /// ``QueuePair/bind(_:to:_:remoteAccess:id:options:)``.
    ///
    /// - Parameters:
    ///   - window: Of the same domain; one of type 2 must not be bound.
    ///   - slice: Of a region that was made with ``RemoteAccess/windows``: at least one byte.
    ///   - remoteAccess: What peers may do: ``RemoteAccess/read``, ``RemoteAccess/write``, ``RemoteAccess/atomic``.
    /// - Returns: What a peer needs to reach the memory.
    /// - Throws: ``VerbsError/Code/invalidArgument``, which says what does not fit; ``VerbsError/Code/workFailed``.
    public func bind<Kind>(
        _ window: borrowing MemoryWindow<Kind>,
        to slice: SharedSlice,
        remoteAccess: RemoteAccess
    ) async throws -> RemoteRegion {
        let window = window.handle
        let range = try WindowRange(window, slice.region.handle, slice.range, remoteAccess)
        try await self.core.sendPlaces.take()
        var remote = slice.region.remote
        _ = try await self.perform(slice.region, atEnd: { _ = window }) { pair, id throws(VerbsError) in
            remote = try pair.bind(window, range, id: id, options: .signaled)
        }
        return remote
    }

    /// Takes a window's key away and waits until no peer can use it any more. See
    /// ``QueuePair/unbind(_:id:options:)``.
    ///
    /// - Throws: ``VerbsError/Code/workFailed`` when a window of type 2 was not bound.
    public func unbind<Kind>(_ window: borrowing MemoryWindow<Kind>) async throws {
        let window = window.handle
        try await self.core.sendPlaces.take()
        _ = try await self.perform(self.core.scratch, atEnd: { _ = window }) { pair, id throws(VerbsError) in
            try pair.unbind(window, id: id, options: .signaled)
        }
    }
}
