/// What `NocopyRanges.prepareForFork` did with the marked pages.
package struct ForkReport: Hashable, Sendable {
    /// How many ranges the child will not have.
    package var shieldedRangeCount = 0
    /// How many ranges the child gets a copy of, because the process has as many mappings as it may have.
    package var exposedRangeCount = 0
    package var exposedByteCount: UInt = 0

    package init() {}
}
