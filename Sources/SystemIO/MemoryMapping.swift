/// One mapping of the own address space, as /proc/self/maps and /proc/self/smaps show it. See proc(5).
package struct MemoryMapping: Hashable, Sendable {
    /// Address of the first byte.
    package var lowerBound: UInt
    /// Address behind the last byte.
    package var upperBound: UInt
    /// The size of the kernel's pages of this mapping, in bytes: more than the machine's smallest page for hugetlb.
    package var pageByteCount: UInt
    package var isWritable: Bool
    /// Whether writes go to the own process alone: the pages are exchanged by copy-on-write.
    package var isPrivate: Bool
    /// Whether a child of `fork` does without it (`VM_DONTCOPY`). Only `MappingList` knows; false elsewhere.
    package var isLeftOutOfChildren: Bool

    package init(
        lowerBound: UInt,
        upperBound: UInt,
        pageByteCount: UInt,
        isWritable: Bool,
        isPrivate: Bool,
        isLeftOutOfChildren: Bool = false
    ) {
        self.lowerBound = lowerBound
        self.upperBound = upperBound
        self.pageByteCount = pageByteCount
        self.isWritable = isWritable
        self.isPrivate = isPrivate
        self.isLeftOutOfChildren = isLeftOutOfChildren
    }
}
