package import SystemIO

/// The kernel that the process runs on.
package struct LinuxMemoryKernel: MemoryKernel {
    package init() {}

    @inline(__always)
    package func advise(_ advice: ForkAdvice, _ range: PageRange) -> Errno? {
        PageAdvice.apply(advice, from: range.lowerBound, to: range.upperBound)
    }

    @inline(__always)
    package func isMapped(_ range: PageRange) -> Bool {
        PageAdvice.isMapped(from: range.lowerBound, to: range.upperBound)
    }

    package func mapping(atOrAbove address: UInt) -> MemoryMapping? {
        MappingQuery.mapping(atOrAbove: address)
    }

    package func forEachMapping(_ body: (MemoryMapping) -> Bool) {
        MappingList.forEach(body)
    }

    package var mappingCount: Int { MappingList.count }
    package var mappingLimit: Int { MappingList.limit }

    package func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
        unsafe AnonymousMemory.allocate(byteCount: byteCount)
    }

    @unsafe
    package func free(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe AnonymousMemory.free(base, byteCount: byteCount)
    }
}
