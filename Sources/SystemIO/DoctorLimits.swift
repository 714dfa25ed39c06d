import CShims
import Glibc

/// Limits of this process and abilities of the kernel that `verbena doctor` reports.
package enum DoctorLimits {
    /// A resource limit; nil means that there is none. See getrlimit(2).
    package struct Limit: Equatable, Sendable {
        package var soft: UInt64?
        package var hard: UInt64?
    }

    /// Bytes that may be locked in memory.
    package static var lockedMemory: Limit { self.limit(of: CSHIMS_LIMIT_LOCKED_MEMORY) }

    /// Descriptors that may be open.
    package static var openFiles: Limit { self.limit(of: CSHIMS_LIMIT_OPEN_FILES) }

    /// Tries to set up the smallest io_uring. Nothing, or the errno.
    package static func probeIOUring() -> Errno? {
        var parameters = [UInt8](repeating: 0, count: CSHIMS_IO_URING_PARAMETERS_BYTE_COUNT)
        // SAFETY: the kernel reads and writes the parameters, which are as long as it takes them to be.
        let descriptor = unsafe cshims_io_uring_setup(1, &parameters)
        guard descriptor >= 0 else { return .last }
        _ = Glibc.close(descriptor)
        return nil
    }

    /// Tries to make a file without a name in a folder. The bytes that are free there, or the errno.
    package static func probeFolder(_ path: String) -> Result<UInt64, Errno> {
        let descriptor = unsafe cshims_open(path, O_RDWR | O_CLOEXEC | CInt(CSHIMS_O_TMPFILE), 0o600)
        guard descriptor >= 0 else { return .failure(.last) }
        _ = Glibc.close(descriptor)
        var status = statvfs()
        // SAFETY: the kernel fills `status`.
        guard unsafe statvfs(path, &status) == 0 else { return .failure(.last) }
        return .success(UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    private static func limit(of resource: Int) -> Limit {
        var value = rlimit()
        // SAFETY: the kernel fills `value`.
        guard unsafe getrlimit(__rlimit_resource_t(resource), &value) == 0 else { return Limit() }
        func finite(_ number: rlim_t) -> UInt64? { number == rlim_t.max ? nil : UInt64(number) }
        return Limit(soft: finite(value.rlim_cur), hard: finite(value.rlim_max))
    }
}
