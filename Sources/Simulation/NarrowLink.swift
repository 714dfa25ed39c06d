package import Transport

/// What sixteen senders share in an `IncastSimulation`.
package struct NarrowLink: Sendable, CustomStringConvertible {
    package var pathMTU: PathMTU
    package var nanosecondsPerByte: UInt64
    /// What the queue in front of it holds.
    package var queueByteCount: UInt64
    /// One way.
    package var delayNanoseconds: UInt64
    /// What each sender sends, in messages of 64 KiB.
    package var messageCount: Int

    package var description: String {
        "\(1000 / self.nanosecondsPerByte) MB/s, queue of \(self.queueByteCount) bytes, delay of "
            + "\(self.delayNanoseconds / 1000) us, MTU \(self.pathMTU.byteCount)"
    }

    /// Slow and fast, near and far, with much and with too little room.
    package static var examples: [NarrowLink] {
        [
            NarrowLink(
                pathMTU: .bytes4096,
                nanosecondsPerByte: 100,
                queueByteCount: 200_000,
                delayNanoseconds: 50_000,
                messageCount: 40
            ),
            NarrowLink(
                pathMTU: .bytes1024,
                nanosecondsPerByte: 10,
                queueByteCount: 100_000,
                delayNanoseconds: 20_000,
                messageCount: 60
            ),
            NarrowLink(
                pathMTU: .bytes4096,
                nanosecondsPerByte: 1,
                queueByteCount: 1_000_000,
                delayNanoseconds: 10_000,
                messageCount: 160
            ),
            NarrowLink(
                pathMTU: .bytes4096,
                nanosecondsPerByte: 8,
                queueByteCount: 64_000,
                delayNanoseconds: 500_000,
                messageCount: 80
            ),
            // Room for one packet of each.
            NarrowLink(
                pathMTU: .bytes4096,
                nanosecondsPerByte: 80,
                queueByteCount: 70_000,
                delayNanoseconds: 10_000,
                messageCount: 40
            ),
        ]
    }
}
