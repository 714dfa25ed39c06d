internal import HostRegistry
package import SystemIO
package import Wire

// Multicast groups of a datagram queue pair (IBTA Volume 1, section 10.5). The group is an IP multicast group (Annex A17):
// the process's socket joins it on the interface of the device, and the kernel hands each datagram to every process that
// has joined.

extension QueuePair {
    /// Lets the queue pair receive what is sent to a group; doing so twice changes nothing. See ibv_attach_mcast(3).
    ///
    /// - Throws: `EINVAL` for a queue pair of another service, or a GID that is no group; `ENOMEM` when the kernel allows no
    ///   further group to a socket (`net.ipv4.igmp_max_memberships`, `net.core.optmem_max`) or the queue pair has as many as
    ///   it may; what the kernel says besides; `EIO` in a forked child.
    package func attach(to group: GID) throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard self.type == .datagram, group.isMulticast else { throw .invalidArgument }
        try self.engine.lock.withLock { () throws(Errno) in
            let key = self.multicastKey(group)
            guard !self.groups.contains(group) else { return }
            guard self.groups.count < Limits.multicastGroupsOfQueuePair else { throw .noMemory }
            if !self.engine.multicast.hasMembers(key) {
                do throws(Errno) {
                    try self.engine.membership.socket.join(IPAddress(group), interfaceIndex: key.interfaceIndex)
                } catch {
                    throw error == .noBufferSpace ? .noMemory : error
                }
            }
            _ = self.engine.multicast.attach(self, to: key)
            self.groups.append(group)
        }
    }

    /// Ends what `attach` began. See ibv_attach_mcast(3).
    ///
    /// - Throws: `EINVAL` when the queue pair does not have the group; `EIO` in a forked child.
    package func detach(from group: GID) throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.engine.lock.withLock { () throws(Errno) in
            guard let index = self.groups.firstIndex(of: group) else { throw .invalidArgument }
            let key = self.multicastKey(group)
            self.groups.remove(at: index)
            guard self.engine.multicast.detach(self, from: key) else { return }
            // The interface may be gone, and the membership with it.
            try? self.engine.membership.socket.leave(IPAddress(group), interfaceIndex: key.interfaceIndex)
        }
    }

    private func multicastKey(_ group: GID) -> MulticastTable.Key {
        MulticastTable.Key(group: group, interfaceIndex: self.domain.context.device.interfaceIndex)
    }

    /// Whether a datagram to a group was sent by this queue pair, and is not for it.
    internal func isOwnMulticast(_ header: PacketHeader, origin: PacketOrigin) -> Bool {
        guard self.blocksOwnMulticast, header.deth.sourceQP == self.qpn else { return false }
        let device = self.domain.context.device
        return (0..<device.gidCount).contains { device.knownGID(at: $0)?.gid == GID(origin.source) }
    }
}
