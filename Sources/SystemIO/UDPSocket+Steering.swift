import CShims
import Glibc

// MARK: - Steering

extension UDPSocket {
    /// Sets the program by which the kernel chooses, for each datagram, among all sockets bound to this port.
    ///
    /// It sees the datagram from the first byte behind the UDP header, and answers the index of a socket: they count
    /// in the order of their binding, and the last one moves into the place of one that closes. An answer that is no
    /// index makes the kernel choose by a hash. It replaces the program of any other socket of the group, and stays when
    /// this one closes. It takes no privilege. See socket(7), `SO_ATTACH_REUSEPORT_CBPF`.
    ///
    /// - Throws: `EINVAL` when the program is empty, longer than 4096 instructions, or not sound.
    package func attachSteering(_ program: [SocketFilterInstruction]) throws(Errno) {
        var filters = program.map(\.filter)
        let descriptor = self.rawDescriptor
        // SAFETY: the kernel copies the instructions during the call.
        let result = unsafe filters.withUnsafeMutableBufferPointer { filters in
            var description = unsafe sock_fprog(len: UInt16(clamping: filters.count), filter: filters.baseAddress)
            let byteCount = unsafe socklen_t(MemoryLayout<sock_fprog>.size)
            return unsafe setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &description, byteCount)
        }
        if result != 0 { throw .last }
    }
}
