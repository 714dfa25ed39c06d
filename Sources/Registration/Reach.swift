/// How far a change of the account reaches.
internal struct Reach {
    /// The pages whose counts change.
    internal let named: PageRange
    /// The pages that no other call may touch meanwhile: the named ones, and the rest of huge pages that they cut.
    internal let claimed: PageRange
    /// Whether each mapping's own page size counts, and mappings that refuse the advice are passed over.
    internal let isPerMapping: Bool

    /// The first attempt: all pages are of the smallest size.
    internal init(named: PageRange) {
        self.named = named
        self.claimed = named
        self.isPerMapping = false
    }

    /// The second attempt, after the kernel refused the first one.
    internal init(named: PageRange, claimed: PageRange) {
        self.named = named
        self.claimed = claimed
        self.isPerMapping = true
    }
}
