import SystemIO

/// Who was alive in a registry when it was counted, under the guard; the dead are struck off at the same time.
internal struct Census {
    /// Which socket of the group is whose, as far as is known.
    var table: SteeringTable
    /// The living, the eldest first.
    private(set) var members: [QPNBlock]
    /// How many were found dead.
    private(set) var deathCount: Int
    /// Whether a probe of the present round has told the index of everyone.
    private(set) var isLearnt: Bool

    /// Counts. The caller holds the guard.
    ///
    /// - Parameter own: The block of this process, which no lock of another can show.
    init(_ file: borrowing RegistryFile, _ directory: RegistryDirectory, own: QPNBlock?) {
        let round = file.round
        var claims: [SteeringTable.Claim] = []
        var living: [(block: QPNBlock, joinOrdinal: UInt64)] = []
        var dead: [QPNBlock] = []
        for block in QPNBlock.all {
            let slot = file[block]
            guard slot.isInUse != 0 else { continue }
            let isLearnt = round != 0 && slot.learntRound == round
            claims.append(SteeringTable.Claim(block: block, index: Int(slot.socketIndex), isLearnt: isLearnt))
            if block == own || file.isAlive(block) {
                living.append((block, slot.joinOrdinal))
            } else {
                dead.append(block)
            }
        }
        self.isLearnt = claims.allSatisfy { $0.isLearnt || dead.contains($0.block) }
        self.table = SteeringTable(claims: claims)
        self.members = living.sorted { $0.joinOrdinal < $1.joinOrdinal }.map(\.block)
        self.deathCount = dead.count
        for block in dead {
            // After several deaths at once their order is a guess, which probes put right.
            self.table.remove(block)
            file[block] = RegistrySlot()
            try? FileSystem.remove(directory.socketPath(of: block))
        }
        if !dead.isEmpty { self.writeIndices(file) }
    }

    /// Takes a block that nobody has, chosen at random, and its lock.
    func claimFreeBlock(_ file: borrowing RegistryFile) -> QPNBlock? {
        var free = QPNBlock.all.filter { !self.members.contains($0) }
        while !free.isEmpty {
            let position = Int(Random.uint32(below: UInt32(free.count)))
            let block = free.remove(at: position)
            if file.tryLock(block) { return block }
        }
        return nil
    }

    /// Enters where the table has each member's socket.
    func writeIndices(_ file: borrowing RegistryFile) {
        for (index, block) in self.table.places.enumerated() {
            guard let block else { continue }
            var slot = file[block]
            guard slot.isInUse != 0, slot.socketIndex != UInt32(index) else { continue }
            slot.socketIndex = UInt32(index)
            file[block] = slot
        }
    }

    mutating func append(_ block: QPNBlock) {
        self.table.append(block)
        self.members.append(block)
    }

    mutating func remove(_ block: QPNBlock) {
        self.table.remove(block)
        self.members.removeAll { $0 == block }
    }
}
