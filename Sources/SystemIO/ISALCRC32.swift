import CISAL
import Wire

/// The vectorised CRC-32 of ISA-L, which the ICRC of every packet goes through.
package enum ISALCRC32: CRC32Algorithm {
    package static func update(_ crc: UInt32, _ bytes: RawSpan) -> UInt32 {
        // SAFETY: the function reads `count` bytes from `baseAddress`, which the span keeps alive for the call.
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return crc }
            return unsafe crc32_gzip_refl(crc, start.assumingMemoryBound(to: UInt8.self), UInt64(buffer.count))
        }
    }
}
