import CShims
import Glibc

/// Where pages lie in the physical memory of the machine. See /proc/PID/pagemap in proc(5).
package enum PageFrame {
    /// The number of the physical page behind `address`; nil where the process may not know (it takes CAP_SYS_ADMIN), or
    /// the page is not in memory.
    package static func number(at address: UInt) -> UInt64? {
        let descriptor = unsafe cshims_open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var entry: UInt64 = 0
        let offset = off_t(address / PageAdvice.pageByteCount) * 8
        // SAFETY: the kernel writes one entry of eight bytes.
        guard unsafe pread(descriptor, &entry, 8, offset) == 8 else { return nil }
        // Bit 63: in memory. Bits 0 to 54: the number, zero for those who may not know.
        let number = entry & (1 << 55 - 1)
        return entry >> 63 == 1 && number != 0 ? number : nil
    }
}
