/// Keeps the process from using up the mappings that the kernel allows it (`vm.max_map_count`), because then `malloc`
/// fails too.
///
/// Counting the mappings means reading /proc/self/maps, so the budget counts once and then spends: every system call that
/// may split mappings takes from the credit, merges give nothing back, and when the credit is gone it counts again.
internal struct MappingBudget {
    /// How many mappings stay free for the rest of the process: this part of what the kernel allows, and at least so many.
    private static let reserveDivisor = 64
    private static let reserveMin = 64
    /// After a refusal, only each so many-th request counts the mappings again, unless a mark was taken away.
    private static let refusalsPerCount = 64

    private var credit = 0
    private var refusalCount = 0

    /// Takes `splitCount` mappings from the credit if there are so many, without counting any.
    @inline(__always)
    internal mutating func spend(_ splitCount: Int) -> Bool {
        guard self.credit >= splitCount else { return false }
        self.credit -= splitCount
        self.refusalCount = 0
        return true
    }

    /// Takes `splitCount` mappings from the credit. False when the process would come too close to the limit.
    internal mutating func take(_ splitCount: Int, from kernel: some MemoryKernel) -> Bool {
        if self.spend(splitCount) { return true }
        if self.refusalCount % Self.refusalsPerCount == 0 { self.credit = Self.freeMappingCount(of: kernel) }
        if self.spend(splitCount) { return true }
        self.refusalCount += 1
        return false
    }

    /// Notes that a mark was taken away, which may have split and merged `splitCount` times.
    internal mutating func noteRelease(splitCount: Int) {
        self.credit = max(0, self.credit - splitCount)
        self.refusalCount = 0
    }

    /// How many mappings the account may still add, counted now. At most a few are negative.
    internal static func freeMappingCount(of kernel: some MemoryKernel) -> Int {
        let limit = kernel.mappingLimit
        return limit - max(limit / Self.reserveDivisor, Self.reserveMin) - kernel.mappingCount
    }
}
