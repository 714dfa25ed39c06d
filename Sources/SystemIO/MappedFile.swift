import CShims
import Glibc

/// The bytes of a file, mapped to be read.
@safe
internal struct MappedFile: ~Copyable {
    // SAFETY: mapped for `byteCount` bytes from the end of `init` until `deinit`.
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int

    /// Nil when the file cannot be read, or is empty.
    internal init?(path: String) {
        let descriptor = unsafe cshims_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let byteCount = Int(lseek(descriptor, 0, SEEK_END))
        guard byteCount > 0 else { return nil }
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let address = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard unsafe address != MAP_FAILED, let address = unsafe address else { return nil }
        unsafe self.base = unsafe address
        self.byteCount = byteCount
    }

    deinit {
        _ = unsafe munmap(self.base, self.byteCount)
    }

    internal var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            // SAFETY: the span cannot outlive `self`, and `base` stays mapped that long.
            let span = unsafe RawSpan(_unsafeStart: self.base, byteCount: self.byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
