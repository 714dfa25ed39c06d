/// What the lock of `NocopyRanges` guards.
internal struct NocopyState: ~Copyable {
    /// How many marks lie on each page, but for those in `exact`.
    internal var counts = PageCounts()
    /// Marks that the tree does not know of. With the policy `eager` every page of theirs has a mark in the tree too, so the
    /// tree alone says which pages have any.
    internal var exact = ExactMarks()
    /// Ranges that were marked when every page of theirs had a mark, with the policy `eager`.
    internal var seen = SeenRanges()
    /// Moves on when a mark leaves the tree: what was covered by it may not be any more.
    internal var generation: UInt32 = 0
    /// The ranges with which calls are in the kernel.
    internal var claims = ClaimList()
    internal var budget = MappingBudget()
    /// How many threads sleep on `released`.
    internal var waiterCount = 0
    /// True from `prepareForFork` on: no system call on the account's behalf may begin.
    internal var isForking = false
    /// Marks that were put into the tree and not taken out again, and so half of the steps that may be needed.
    internal var treeMarkCount = 0
    /// No page has more marks than this.
    internal var countBound: Int32 = 0
    /// Where an undo failed, so that flags may not be what the counts say. Healed by the next call.
    internal var damage: PageRange?
    /// How many ranges `prepareForFork` found marked.
    internal var shieldedRangeCount = 0
    /// Changes in every forked child: what was marked before is no longer in the account.
    internal var epochStorage: UInt32 = 0
}

// SAFETY (this extension): the pointer is valid as long as the object; the caller holds the lock.
extension NocopyRanges {
    internal var exact: ExactMarks {
        @inline(__always) _read { yield unsafe self.state.pointee.exact }
        @inline(__always) _modify { yield unsafe &self.state.pointee.exact }
    }

    internal var seen: SeenRanges {
        @inline(__always) _read { yield unsafe self.state.pointee.seen }
        @inline(__always) _modify { yield unsafe &self.state.pointee.seen }
    }

    internal var generation: UInt32 {
        @inline(__always) _read { yield unsafe self.state.pointee.generation }
        @inline(__always) _modify { yield unsafe &self.state.pointee.generation }
    }

    internal var counts: PageCounts {
        @inline(__always) _read { yield unsafe self.state.pointee.counts }
        @inline(__always) _modify { yield unsafe &self.state.pointee.counts }
    }

    internal var claims: ClaimList {
        @inline(__always) _read { yield unsafe self.state.pointee.claims }
        @inline(__always) _modify { yield unsafe &self.state.pointee.claims }
    }

    internal var budget: MappingBudget {
        @inline(__always) _read { yield unsafe self.state.pointee.budget }
        @inline(__always) _modify { yield unsafe &self.state.pointee.budget }
    }

    internal var waiterCount: Int {
        @inline(__always) _read { yield unsafe self.state.pointee.waiterCount }
        @inline(__always) _modify { yield unsafe &self.state.pointee.waiterCount }
    }

    internal var isForking: Bool {
        @inline(__always) _read { yield unsafe self.state.pointee.isForking }
        @inline(__always) _modify { yield unsafe &self.state.pointee.isForking }
    }

    internal var treeMarkCount: Int {
        @inline(__always) _read { yield unsafe self.state.pointee.treeMarkCount }
        @inline(__always) _modify { yield unsafe &self.state.pointee.treeMarkCount }
    }

    internal var countBound: Int32 {
        @inline(__always) _read { yield unsafe self.state.pointee.countBound }
        @inline(__always) _modify { yield unsafe &self.state.pointee.countBound }
    }

    internal var damage: PageRange? {
        @inline(__always) _read { yield unsafe self.state.pointee.damage }
        @inline(__always) _modify { yield unsafe &self.state.pointee.damage }
    }

    internal var shieldedRangeCount: Int {
        @inline(__always) _read { yield unsafe self.state.pointee.shieldedRangeCount }
        @inline(__always) _modify { yield unsafe &self.state.pointee.shieldedRangeCount }
    }

    internal var epochStorage: UInt32 {
        @inline(__always) _read { yield unsafe self.state.pointee.epochStorage }
        @inline(__always) _modify { yield unsafe &self.state.pointee.epochStorage }
    }
}
