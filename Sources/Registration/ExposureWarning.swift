import Synchronization
import SystemIO

/// Tells the user, once, that a fork had too few mappings to take all marked memory out of the child.
internal enum ExposureWarning {
    private static let isTold = Atomic<Bool>(false)

    internal static func tell(_ report: ForkReport) {
        guard !self.isTold.exchange(true, ordering: .relaxed) else { return }
        Diagnostics.warn(
            """
            the child of this fork inherits \(report.exposedByteCount) bytes of registered memory in \
            \(report.exposedRangeCount) ranges: the process has nearly as many mappings as it may have. Raise \
            vm.max_map_count (sysctl), or register larger and adjoining buffers.
            """
        )
    }
}
