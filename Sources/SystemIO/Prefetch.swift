public import CShims

/// Asks the processor for a cache line that will be needed soon, so that its way from another core's cache costs no waiting.
/// Nothing is read: the address may be anything.
public enum Prefetch {
    /// The line will be read.
    @unsafe
    @inlinable @inline(always)
    public static func toRead(_ address: UnsafeRawPointer) {
        unsafe cshims_prefetch_read(address)
    }

    /// The line will be written: other cores give it up.
    @unsafe
    @inlinable @inline(always)
    public static func toWrite(_ address: UnsafeRawPointer) {
        unsafe cshims_prefetch_write(address)
    }
}
