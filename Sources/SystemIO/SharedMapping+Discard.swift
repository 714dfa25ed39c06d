import Glibc

extension SharedMapping {
    /// Gives the memory of whole pages back to the kernel. They read as zero from then on, in every process.
    ///
    /// - Parameters: `byteOffset` and `byteCount` are multiples of the page size, inside the region.
    package func discard(byteOffset: Int, byteCount: Int) {
        precondition(
            byteOffset >= 0 && byteCount >= 0 && byteOffset <= self.byteCount - byteCount,
            "outside the region"
        )
        // Fails only where the kernel lacks MADV_REMOVE; then the pages stay as they are, and are zeroed by hand.
        guard unsafe madvise(self.base + byteOffset, byteCount, MADV_REMOVE) != 0 else { return }
        unsafe memset(self.base + byteOffset, 0, byteCount)
    }
}
