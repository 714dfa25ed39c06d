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

    /// Sets an option that is a plain C structure.
    internal func setOption<Value>(
        _ level: CInt,
        _ name: CInt,
        structure value: Value
    ) throws(Errno) {
        try checkingErrno {
            // SAFETY: the kernel reads the structure, up to its size.
            unsafe withUnsafeBytes(of: value) {
                unsafe setsockopt(self, level, name, $0.baseAddress, socklen_t($0.count))
            }
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
