import CShims
import Glibc

/// Who a process is, in the terms by which others can tell whether it still lives.
package enum ProcessIdentity {
    package static var pid: Int32 { getpid() }
    /// The user whose rights count.
    package static var effectiveUserID: UInt32 { geteuid() }
    package static var threadID: Int32 { cshims_gettid() }

    /// The number of the network namespace that the calling thread is in. See namespaces(7).
    ///
    /// - Throws: `ENOENT` or `EACCES` when `/proc` is missing or hidden.
    package static func networkNamespaceInode() throws(Errno) -> UInt64 {
        var information = stat()
        // SAFETY: stat(2) writes the local variable.
        try checkingErrno { unsafe stat("/proc/thread-self/ns/net", &information) }
        return UInt64(information.st_ino)
    }

    /// When a process started, in clock ticks since the machine did; tells two processes with one number apart.
    ///
    /// - Returns: `nil` when there is no such process, or it is hidden. See proc(5), `/proc/PID/stat`.
    package static func startTime(of pid: Int32) -> UInt64? {
        // The own number means somebody else where `/proc` is that of another PID namespace.
        let name = pid == getpid() ? "self" : "\(pid)"
        guard let line = try? TextFile.read("/proc/\(name)/stat", byteCountMax: 1024) else { return nil }
        // The name, in parentheses, may hold anything: count the fields behind it. The start time is field 22.
        guard let nameEnd = line.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = line[line.utf8.index(after: nameEnd)...].split(separator: " ", maxSplits: 20)
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
