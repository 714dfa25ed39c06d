internal import HostRegistry
internal import Segment
package import SystemIO

/// A process of this host that has a device open, and by which ways it reaches its peers: from its segment's counters.
package struct HostProcess: Sendable {
    package let pid: Int32
    /// Ways that were chosen, each with its explanation and how often; ways that were never chosen are left out.
    package let paths: [(explanation: String, count: UInt64)]
    /// Requests that it executed on the memory of peers, and their bytes.
    package let directRequests: UInt64
    package let directBytes: UInt64

    /// All of this user's in this network namespace, but for the calling one. Those that do not let themselves be looked
    /// into are left out.
    ///
    /// - Throws: When the registry cannot be read, as when the RoCE port is somebody else's.
    package static func all() throws(Errno) -> [HostProcess] {
        let membership: Membership
        do throws(RegistryError) {
            membership = try HostRegistry.join()
        } catch {
            Diagnostics.warn(error.description)
            throw error.errno
        }
        defer { membership.leave() }
        return membership.otherMembers.compactMap { HostProcess($0) }
    }

    private init?(_ member: Membership.Member) {
        guard let rawDescriptor = member.segmentDescriptor,
            let descriptor = try? OwnedDescriptor(pid: member.pid, rawDescriptor: rawDescriptor),
            let segment = try? PeerSegment(takingOver: descriptor, processID: member.pid, liveness: ProcessLiveness())
        else { return nil }
        let header = segment.view.header
        self.pid = member.pid
        self.paths = PathChoice.allCases.compactMap { choice in
            let count = header.counter(choice.counter).relaxed
            return count > 0 ? (choice.explanation, count) : nil
        }
        self.directRequests = header.counter(.directRequests).relaxed
        self.directBytes = header.counter(.directBytes).relaxed
    }
}
