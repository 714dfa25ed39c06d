import Glibc

/// Options of a socket, named by its descriptor. See setsockopt(2).
extension CInt {
    internal func setOption(_ level: CInt, _ name: CInt, _ value: CInt) throws(Errno) {
        var value = value
        try checkingErrno {
            // SAFETY: the kernel reads the local variable.
            unsafe setsockopt(self, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    internal func option(_ level: CInt, _ name: CInt) throws(Errno) -> CInt {
        var value: CInt = 0
        var byteCount = socklen_t(MemoryLayout<CInt>.size)
        try checkingErrno {
            // SAFETY: the kernel writes the local variable, and no more than its size.
            unsafe getsockopt(self, level, name, &value, &byteCount)
        }
        return value
    }
}
