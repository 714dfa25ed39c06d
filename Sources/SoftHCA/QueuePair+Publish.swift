internal import Segment
internal import Transport
internal import Wire

extension QueuePair {
    /// Writes into the segment what other processes may know of this queue pair. The caller holds the engine's lock.
    internal func publish() {
        let entry = self.entry
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
        // Last: whoever sees the state sees the rest.
        entry.state.storeReleasing(self.state.rawValue)
    }
}
