import CShims
import Glibc

/// A TCP socket, for the few bytes that two programs exchange before they speak verbs. See tcp(7).
///
/// It blocks, up to a time limit for each call: use it in a thread that may.
package struct StreamSocket: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor

    private init(takingOver rawValue: CInt) {
        self.descriptor = OwnedDescriptor(takingOver: rawValue)
    }
}

// MARK: - Opening

extension StreamSocket {
    /// Listens on a port of all addresses, or of one.
    ///
    /// - Parameters:
    ///   - host: An address or a name; nil for all addresses of this host.
    ///   - port: 0 for one that is free.
    /// - Throws: `EADDRINUSE`; `ENXIO` when the host is not known.
    package static func listen(host: String?, port: UInt16, backlog: CInt) throws(Errno) -> StreamSocket {
        unsafe try self.open(host: host, port: port, isPassive: true) { descriptor, address, byteCount throws(Errno) in
            var one: CInt = 1
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
            try checkingErrno { unsafe bind(descriptor, address, byteCount) }
            try checkingErrno { Glibc.listen(descriptor, backlog) }
        }
    }

    /// Connects to a host.
    ///
    /// - Throws: `ECONNREFUSED`, `ETIMEDOUT`, `ENXIO` when the host is not known.
    package static func connect(host: String, port: UInt16, timeoutSeconds: Int) throws(Errno) -> StreamSocket {
        unsafe try self.open(host: host, port: port, isPassive: false) { descriptor, address, byteCount throws(Errno) in
            Self.setTimeout(descriptor, seconds: timeoutSeconds)
            let result = unsafe Glibc.connect(descriptor, address, byteCount)
            guard result == 0 else { throw Errno.last.rawValue == EINPROGRESS ? Errno(rawValue: ETIMEDOUT) : .last }
        }
    }

    /// Tries the addresses of a host, one after the other, until `use` succeeds with one.
    private static func open(
        host: String?,
        port: UInt16,
        isPassive: Bool,
        _ use: (CInt, UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
    ) throws(Errno) -> StreamSocket {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = isPassive ? AI_PASSIVE : 0
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &list) == 0 else { throw Errno(rawValue: ENXIO) }
        // SAFETY: the list is what getaddrinfo made, and is freed once.
        defer { unsafe freeaddrinfo(list) }
        var failure = Errno(rawValue: ENXIO)
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = unsafe entry.pointee.ai_next
            let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            let descriptor = Glibc.socket(unsafe entry.pointee.ai_family, flags, 0)
            guard descriptor >= 0, let address = unsafe entry.pointee.ai_addr else {
                failure = .last
                continue
            }
            let opened = StreamSocket(takingOver: descriptor)
            do throws(Errno) {
                try unsafe use(descriptor, address, entry.pointee.ai_addrlen)
                return opened
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Takes a connection that waits.
    ///
    /// - Returns: nil when there is none; the listening socket must not block then.
    package func accept(timeoutSeconds: Int) throws(Errno) -> StreamSocket? {
        do throws(Errno) {
            let raw = try checkingErrno { Glibc.accept(self.descriptor.rawValue, nil, nil) }
            _ = cshims_fcntl_int(raw, F_SETFD, FD_CLOEXEC)
            Self.setTimeout(raw, seconds: timeoutSeconds)
            return StreamSocket(takingOver: raw)
        } catch {
            // A peer that has gone meanwhile is none.
            guard error == .wouldBlock || error.rawValue == ECONNABORTED else { throw error }
            return nil
        }
    }

    /// The port that it listens on.
    package func localPort() throws(Errno) -> UInt16 {
        var address = sockaddr_in6()
        var byteCount = socklen_t(MemoryLayout<sockaddr_in6>.size)
        // SAFETY: the kernel writes at most `byteCount` bytes of the local variable; the port lies at the same place for
        // IPv4.
        try checkingErrno {
            unsafe withUnsafeMutableBytes(of: &address) { bytes in
                unsafe getsockname(
                    self.descriptor.rawValue,
                    bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                    &byteCount
                )
            }
        }
        return UInt16(bigEndian: address.sin6_port)
    }

    private static func setTimeout(_ descriptor: CInt, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let byteCount = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            // SAFETY: the kernel reads the local variable.
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, byteCount)
        }
    }
}

// MARK: - Bytes

extension StreamSocket {
    /// Sends all bytes.
    ///
    /// - Throws: `EPIPE`, `ECONNRESET`; `EAGAIN` when the peer takes nothing for longer than the limit.
    package func sendAll(_ bytes: [UInt8]) throws(Errno) {
        var sentCount = 0
        while sentCount < bytes.count {
            let rest = bytes[sentCount...]
            sentCount += try checkingErrno {
                unsafe rest.withUnsafeBytes {
                    unsafe send(self.descriptor.rawValue, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
            }
        }
    }

    /// Receives so many bytes.
    ///
    /// - Throws: `ECONNRESET` when the peer ends before that; `EAGAIN` when nothing comes for longer than the limit.
    package func receiveAll(byteCount: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        var count = 0
        while count < byteCount {
            let received = try checkingErrno {
                unsafe bytes.withUnsafeMutableBytes { buffer in
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                    return unsafe recv(self.descriptor.rawValue, rest.baseAddress, rest.count, 0)
                }
            }
            guard received > 0 else { throw Errno(rawValue: ECONNRESET) }
            count += received
        }
        return bytes
    }

    /// Ends both directions, and listening, now. The descriptor stays open, so that its number means nothing else meanwhile.
    package func shutDown() {
        _ = Glibc.shutdown(self.descriptor.rawValue, CInt(SHUT_RDWR))
    }

    /// Whether the peer has ended its side, or is gone. It does not wait; bytes that come are thrown away.
    package var hasEnded: Bool {
        var byte: UInt8 = 0
        while true {
            // SAFETY: the kernel writes one byte of the local variable.
            let count = unsafe recv(self.descriptor.rawValue, &byte, 1, CInt(MSG_DONTWAIT))
            if count > 0 { continue }
            return count == 0 || (Errno.last != .wouldBlock && Errno.last != .interrupted)
        }
    }
}
