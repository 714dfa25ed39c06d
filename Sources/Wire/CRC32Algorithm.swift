/// The CRC-32 of IEEE 802.3, as zlib computes it. This module imports no library; its user brings a fast one.
package protocol CRC32Algorithm {
    /// The CRC of what `crc` stands for followed by `bytes`; a new computation begins with 0.
    static func update(_ crc: UInt32, _ bytes: RawSpan) -> UInt32
}
