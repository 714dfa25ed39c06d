internal import Wire

/// Which queue pairs of this process get the datagrams of a multicast group.
///
/// It holds the queue pairs unretained: one that is attached cannot be destroyed. Not responsible for the membership of
/// the socket, but says when it begins and ends.
@safe
internal struct MulticastTable {
    /// A group on one interface.
    internal struct Key: Hashable {
        var group: GID
        var interfaceIndex: UInt32
    }

    // SAFETY: whatever is in the table is alive.
    private var members: [Key: [Unmanaged<QueuePair>]] = unsafe [:]

    /// - Returns: Whether it is the first of the group.
    internal mutating func attach(_ queuePair: QueuePair, to key: Key) -> Bool {
        let isFirst = unsafe self.members[key] == nil
        unsafe self.members[key, default: []].append(.passUnretained(queuePair))
        return isFirst
    }

    /// - Returns: Whether it was the last of the group.
    internal mutating func detach(_ queuePair: QueuePair, from key: Key) -> Bool {
        let pointer = unsafe Unmanaged.passUnretained(queuePair).toOpaque()
        unsafe self.members[key]?.removeAll { unsafe $0.toOpaque() == pointer }
        guard unsafe self.members[key]?.isEmpty == true else { return false }
        unsafe self.members[key] = nil
        return true
    }

    internal func hasMembers(_ key: Key) -> Bool { unsafe self.members[key] != nil }

    /// Calls `body` with every queue pair of a group.
    ///
    /// - Returns: Whether there is one.
    @discardableResult
    internal func forEach(_ key: Key, _ body: (QueuePair) -> Void) -> Bool {
        guard let queuePairs = unsafe self.members[key] else { return false }
        for index in 0..<(unsafe queuePairs.count) {
            unsafe queuePairs[index]._withUnsafeGuaranteedRef(body)
        }
        return true
    }
}
