internal import Segment
internal import Transport
internal import Wire

extension QueuePair {
    /// Writes into the segment what other processes may know of this queue pair. The caller holds the engine's lock.
    internal func publish() {
        let entry = self.entry
        // Odd from here to the end: a peer that looks meanwhile looks again.
        entry.version.add(1)
        entry.type.storeRelaxed(self.type.rawValue)
        entry.access.storeRelaxed(self.attributes.access.rawValue)
        entry.domain.storeRelaxed(self.domain.handle)
        entry.destQP.storeRelaxed(self.attributes.destinationQP)
        entry.sendCompletions.storeRelaxed(UInt32(self.sendCompletions.ring.index))
        entry.receiveCompletions.storeRelaxed(UInt32(self.receiveCompletions.ring.index))
        if let ring = self.receiveRing ?? self.sharedReceiveQueue?.ring {
            entry.receives.storeRelaxed(UInt32(ring.index))
        }
        entry.hasSharedReceives.storeRelaxed(self.sharedReceiveQueue == nil ? 0 : 1)
        entry.qKey.storeRelaxed(self.attributes.qKey)
        entry.pathMTUByteCount.storeRelaxed(self.mtu.byteCount)
        entry.peerGIDPrefix.storeRelaxed(self.attributes.primaryPath.destinationGID.prefix)
        entry.peerGIDInterfaceID.storeRelaxed(self.attributes.primaryPath.destinationGID.interfaceID)
        let own = GID(self.path.source)
        entry.ownGIDPrefix.storeRelaxed(own.prefix)
        entry.ownGIDInterfaceID.storeRelaxed(own.interfaceID)
        entry.rnrTimer.storeRelaxed(UInt32(self.attributes.rnrTimer))
        entry.receiveDomain.storeRelaxed((self.sharedReceiveQueue?.domain ?? self.domain).handle)
        entry.readsMax.storeRelaxed(UInt32(self.attributes.readsMaxDestination))
        entry.arenaPage.storeRelaxed(UInt32((self.arena?.byteOffset ?? 0) / SegmentLayout.pageByteCount))
        entry.arenaByteCount.storeRelaxed(UInt32(self.arena?.byteCount ?? 0))
        entry.state.storeReleasing(self.state.rawValue)
        entry.version.add(1)
        if self.state.canReceive { self.notifyWaitingPeer() }
    }

    /// Gives the queue pair an arena, if the segment has room for one. Without it short SENDs take the system call.
    internal func makeArena() {
        guard self.arena == nil else { return }
        self.arena = try? self.engine.segment.allocateExtent(byteCount: PayloadArena.byteCountDefault)
    }

    /// No peer works on the queue pair any more, and no completion refers to the arena.
    internal func freeArena() {
        if let arena { self.engine.segment.freeExtent(arena) }
        self.arena = nil
    }
}
