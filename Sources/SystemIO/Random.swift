import CShims
import Glibc

/// Unpredictable numbers from the kernel, for keys, numbers and first PSNs that nobody may guess. See getrandom(2).
package enum Random {
    /// Fills `buffer` with random bytes.
    @unsafe
    package static func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        var rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[...])
        while unsafe !rest.isEmpty {
            // SAFETY: `rest` is the part of the caller's buffer that is not filled yet.
            let count = unsafe getrandom(rest.baseAddress, rest.count, 0)
            if count > 0 {
                unsafe rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
            } else {
                precondition(Errno.last == .interrupted, "getrandom(2) fails only where a sandbox forbids it")
            }
        }
    }

    package static var uint32: UInt32 {
        var value: UInt32 = 0
        // SAFETY: the bytes are those of the local variable.
        unsafe withUnsafeMutableBytes(of: &value) { unsafe fill($0) }
        return value
    }

    package static var uint64: UInt64 {
        var value: UInt64 = 0
        // SAFETY: the bytes are those of the local variable.
        unsafe withUnsafeMutableBytes(of: &value) { unsafe fill($0) }
        return value
    }

    /// A number from 0 to `bound` - 1, each equally likely.
    package static func uint32(below bound: UInt32) -> UInt32 {
        var generator = SystemRandomNumberGenerator()
        return generator.next(upperBound: bound)
    }
}
