import CShims
import Glibc

/// Who holds a UDP port of this network namespace, as far as /proc tells, and whether they would share it with us. No
/// packet of theirs is taken.
package struct DoctorPort: Equatable, Sendable {
    /// One socket that is bound to the port.
    package struct Holder: Hashable, Sendable {
        package var userID: UInt32
        /// The process, or nil when it may not be looked into, or when the socket is the kernel's own.
        package var pid: Int32?
        /// The process's name as in /proc/PID/comm.
        package var name: String?
    }

    package let holders: [Holder]
    /// Whether this process may bind the port as well.
    package let isAvailable: Bool

    package init(port: UInt16) {
        self.isAvailable = Self.canBind(port)
        let sockets = ["/proc/net/udp", "/proc/net/udp6"].flatMap { path in
            Self.sockets(in: TextFile.contents(of: path) ?? "", port: port)
        }
        guard !sockets.isEmpty else {
            self.holders = []
            return
        }
        let owners = Self.owners(of: Set(sockets.map(\.inode)))
        self.holders = sockets.map { socket in
            let pid = owners[socket.inode]
            let name = pid.flatMap { TextFile.firstLine(of: "/proc/\($0)/comm") }
            return Holder(userID: socket.userID, pid: pid, name: name)
        }
    }

    /// Whether the kernel's soft RoCE driver is loaded, which takes the port with its first device.
    package static var isSoftRoCELoaded: Bool { TextFile.firstLine(of: "/sys/module/rdma_rxe/refcnt") != nil }
}

// MARK: - Binding

extension DoctorPort {
    /// An address of the loopback network that nobody uses: whoever holds the port for every address is in the way of
    /// it, and a socket on it gets nobody's packets.
    private static let probeAddress: UInt32 = 0x7F5A_D5A7

    private static func canBind(_ port: UInt16) -> Bool {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard let rawDescriptor = try? checkingErrno({ socket(AF_INET, kind, 0) }) else { return false }
        let descriptor = OwnedDescriptor(takingOver: rawDescriptor)
        var isShared: CInt = 1
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = Self.probeAddress.bigEndian
        // SAFETY: the kernel reads the option and the address, which are as long as it is told.
        unsafe setsockopt(descriptor.rawValue, SOL_SOCKET, SO_REUSEPORT, &isShared, socklen_t(MemoryLayout<CInt>.size))
        return unsafe withUnsafeBytes(of: &address) { bytes in
            let pointer = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            return unsafe bind(descriptor.rawValue, pointer, socklen_t(bytes.count)) == 0
        }
    }
}

// MARK: - Sockets

extension DoctorPort {
    struct Socket: Equatable {
        var userID: UInt32
        var inode: UInt64
    }

    /// Reads the table of /proc/net/udp: the local address is the second column, the user the eighth, the inode the
    /// tenth. See proc(5).
    static func sockets(in table: String, port: UInt16) -> [Socket] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 10, let colon = fields[1].lastIndex(of: ":"),
                UInt16(fields[1][fields[1].index(after: colon)...], radix: 16) == port,
                let userID = UInt32(fields[7]), let inode = UInt64(fields[9])
            else { return nil }
            return Socket(userID: userID, inode: inode)
        }
    }

    /// Looks through the descriptors of every process that lets us.
    private static func owners(of inodes: Set<UInt64>) -> [UInt64: Int32] {
        var owners: [UInt64: Int32] = [:]
        for process in self.entries(of: "/proc") {
            guard let pid = Int32(process) else { continue }
            for descriptor in self.entries(of: "/proc/\(pid)/fd") {
                guard let inode = self.socketInode(behind: "/proc/\(pid)/fd/\(descriptor)"), inodes.contains(inode)
                else { continue }
                owners[inode] = pid
            }
            if owners.count == inodes.count { break }
        }
        return owners
    }

    /// The number in a link such as `socket:[12345]`.
    private static func socketInode(behind link: String) -> UInt64? {
        var buffer = [CChar](repeating: 0, count: 64)
        // SAFETY: the buffer holds as many bytes as the call is told.
        let byteCount = unsafe readlink(link, &buffer, buffer.count)
        guard byteCount > 0 else { return nil }
        let target = String(decoding: buffer.prefix(byteCount).map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard target.hasPrefix("socket:["), target.hasSuffix("]") else { return nil }
        return UInt64(target.dropFirst("socket:[".count).dropLast())
    }

    private static func entries(of folder: String) -> [String] {
        // SAFETY: the stream is open until the end of the function, and each entry is copied before the next is read.
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names
    }
}
