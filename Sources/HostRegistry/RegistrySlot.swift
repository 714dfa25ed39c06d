/// What the registry holds of one process. The slot's number is the process's block of queue pair numbers.
///
/// | Bytes | Contents                                                |
/// |-------|---------------------------------------------------------|
/// | 0-3   | 1 while the slot is in use                              |
/// | 4-7   | Number of the process                                   |
/// | 8-15  | When it started, in clock ticks                         |
/// | 16-23 | Which joining it was: the smallest is the eldest        |
/// | 24-27 | Index of its socket in the group                        |
/// | 28-31 | Round in which a probe last told the index, 0 for never |
/// | 32-35 | Descriptor of its segment, -1 for none                  |
///
/// Nothing in it says whether the process lives: that is what the lock on the slot's byte of the file says.
internal struct RegistrySlot: BitwiseCopyable {
    var isInUse: UInt32 = 0
    var pid: Int32 = 0
    var startTime: UInt64 = 0
    var joinOrdinal: UInt64 = 0
    var socketIndex: UInt32 = 0
    var learntRound: UInt32 = 0
    var segmentDescriptor: Int32 = -1

    /// Bytes from one slot to the next: a cache line.
    static var stride: Int { 64 }

    /// Process numbers have at most 22 bits on Linux; see proc(5), `/proc/sys/kernel/pid_max`.
    static func incarnation(pid: Int32, startTime: UInt64) -> UInt64 {
        startTime << 22 | UInt64(UInt32(bitPattern: pid) & 0x3F_FFFF)
    }
}
