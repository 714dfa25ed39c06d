/// A device that is ready for connections: opened, with a protection domain and a completion queue.
///
/// One is enough for a program: all its listeners and connections may share it.
///
/// ```swift
/// let endpoint = try Endpoint()
/// let region = try endpoint.region(byteCount: 1 << 20, remoteAccess: [.read])
/// ```
public final class Endpoint: Sendable {
    public let context: Context
    public let domain: ProtectionDomain
    public let completions: AsyncCompletionQueue
    internal let port: UInt8
    internal let gidIndex: Int
    internal let observer: (any EndpointObserver)?
    public let statistics = EndpointStatistics()

    /// - Parameters:
    ///   - device: nil for the first of the embedded adapter.
    ///   - port: Of the device, from 1 on.
    ///   - gidIndex: Which of the port's addresses it uses; nil for the usual one.
    ///   - executor: Where completions are taken; nil for the thread that waits for all of the process.
    ///   - observer: Is told what happens to the connections.
    public init(
        _ device: Device? = nil,
        port: UInt8 = 1,
        gidIndex: Int? = nil,
        executor: (any CompletionExecutor)? = nil,
        observer: (any EndpointObserver)? = nil
    ) throws(VerbsError) {
        let chosen: Device
        if let device { chosen = device } else { chosen = try VerbsLibrary.embedded.device() }
        let context = try chosen.open()
        let domain = try ProtectionDomain(on: context)
        let completions = try AsyncCompletionQueue(on: context, executor: executor)
        let index = try context.handle.gidIndex(gidIndex, port: port)
        self.context = context
        self.domain = domain
        self.completions = completions
        self.port = port
        self.gidIndex = index
        self.observer = observer
    }
}

extension Endpoint {
    public var device: Device { self.context.device }

    /// Takes memory from the system and registers it.
    public func region(
        byteCount: Int,
        remoteAccess: RemoteAccess = [],
        pages: PageKind = .standard
    ) throws(VerbsError) -> SharedRegion {
        try SharedRegion(byteCount: byteCount, in: self.domain, remoteAccess: remoteAccess, pages: pages)
    }
}
