package import SystemIO

/// What the account needs from the operating system. Tests put a kernel of their own in its place, which counts calls and
/// fails the k-th one, or has huge pages where the machine has none.
package protocol MemoryKernel: Sendable {
    /// Says what a child of `fork` gets of `range`; see `PageAdvice.apply`.
    func advise(_ advice: ForkAdvice, _ range: PageRange) -> Errno?

    /// Whether all of `range` is mapped.
    func isMapped(_ range: PageRange) -> Bool

    /// The mapping that holds `address`, or the next one above; nil when there is none.
    func mapping(atOrAbove address: UInt) -> MemoryMapping?

    /// Calls `body` for each mapping in the order of addresses until it returns false.
    func forEachMapping(_ body: (MemoryMapping) -> Bool)

    /// How many mappings the process has.
    var mappingCount: Int { get }

    /// How many mappings the process may have.
    var mappingLimit: Int { get }

    /// Zeroed memory for the account itself; nil when there is none.
    func allocate(byteCount: Int) -> UnsafeMutableRawPointer?

    /// Gives memory from `allocate` back.
    @unsafe
    func free(_ base: UnsafeMutableRawPointer, byteCount: Int)
}
