/// How a ``Connection`` is made.
public struct ConnectionOptions: Sendable, Hashable {
    /// Bytes of one buffer: longer messages travel in parts of that size. 64 to 1 MiB.
    public var bufferByteCount: Int
    /// Buffers for each direction: so many parts may be on their way before the peer has taken them. 2 to 4096.
    public var bufferCount: Int
    /// One-sided operations that may be under way at a time.
    public var operationCount: Int
    /// A few bytes for the peer, such as an encoded ``RemoteRegion``: at most ``greetingByteCountMax``.
    public var greeting: [UInt8]
    /// What the peer may do with regions that say so too.
    public var remoteAccess: RemoteAccess
    public var path: PathOptions
    /// How long the exchange of addresses may take.
    public var handshakeTimeoutSeconds: Int

    public static var greetingByteCountMax: Int { 128 }
    internal static var bufferCountMax: Int { 4096 }

    public init(
        bufferByteCount: Int = 16 << 10,
        bufferCount: Int = 32,
        operationCount: Int = 64,
        greeting: [UInt8] = [],
        remoteAccess: RemoteAccess = [.read, .write, .atomic],
        path: PathOptions = PathOptions(),
        handshakeTimeoutSeconds: Int = 10
    ) {
        self.bufferByteCount = bufferByteCount
        self.bufferCount = bufferCount
        self.operationCount = operationCount
        self.greeting = greeting
        self.remoteAccess = remoteAccess
        self.path = path
        self.handshakeTimeoutSeconds = handshakeTimeoutSeconds
    }

    /// - Throws: ``VerbsError/Code/invalidArgument``, which names the value that is out of range.
    internal func validate() throws(VerbsError) {
        try Self.require(self.bufferByteCount, in: 64...(1 << 20), "bufferByteCount")
        try Self.require(self.bufferCount, in: 2...Self.bufferCountMax, "bufferCount")
        try Self.require(self.operationCount, in: 1...16_384, "operationCount")
        try Self.require(self.greeting.count, in: 0...Self.greetingByteCountMax, "greeting.count")
        try Self.require(self.handshakeTimeoutSeconds, in: 1...3600, "handshakeTimeoutSeconds")
    }

    private static func require(_ value: Int, in range: ClosedRange<Int>, _ name: String) throws(VerbsError) {
        guard range.contains(value) else {
            throw VerbsError(
                .invalidArgument,
                operation: "ConnectionOptions",
                detail: "\(name) is \(value); it takes \(range.lowerBound) to \(range.upperBound)"
            )
        }
    }

    internal var capacity: QueueCapacity {
        QueueCapacity(
            sendCount: self.operationCount + self.bufferCount + MessageProtocol.controlCountMax,
            receiveCount: self.bufferCount + MessageProtocol.controlCountMax
        )
    }
}
