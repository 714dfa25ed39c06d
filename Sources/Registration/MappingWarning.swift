import Synchronization
import SystemIO

/// Tells the user, once, that the process has no mappings left for isolated ranges.
internal enum MappingWarning {
    private static let isTold = Atomic<Bool>(false)

    internal static func tell(limit: Int) {
        guard !self.isTold.exchange(true, ordering: .relaxed) else { return }
        Diagnostics.warn(
            """
            registration refused: the process has nearly all of the \(limit) memory mappings it may have, and a range \
            that is kept out of forked children takes up to two. Raise the limit (sysctl -w vm.max_map_count=\
            \(limit * 4)), register larger and adjoining buffers, or set VERBENA_FORK=atfork.
            """
        )
    }
}
