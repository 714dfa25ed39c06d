internal import SystemIO

/// The processes of this host that the engine works on, by their blocks of QPNs. Guarded by the engine's lock.
@safe
internal struct PeerDirectory: ~Copyable {
    private static var capacity: Int { 1 << 10 }
    /// How long a process that could not be reached is left alone, so that not every datagram tries anew.
    private static var refusalNanoseconds: UInt64 { 1_000_000_000 }

    // SAFETY: `capacity` initialised places from `init` until `deinit`.
    private let peers: UnsafeMutablePointer<DirectPeer?>
    // SAFETY: likewise: until when a process is left alone.
    private let refusals: UnsafeMutablePointer<UInt64>

    init() {
        unsafe self.peers = .allocate(capacity: Self.capacity)
        unsafe self.peers.initialize(repeating: nil, count: Self.capacity)
        unsafe self.refusals = .allocate(capacity: Self.capacity)
        unsafe self.refusals.initialize(repeating: 0, count: Self.capacity)
    }

    deinit {
        unsafe self.peers.deinitialize(count: Self.capacity)
        unsafe self.peers.deallocate()
        unsafe self.refusals.deallocate()
    }

    subscript(block: UInt32) -> DirectPeer? {
        get { block < Self.capacity ? unsafe self.peers[Int(block)] : nil }
        nonmutating set { unsafe self.peers[Int(block)] = newValue }
    }

    /// The peer that is known and alive, without reference counting.
    @inline(always)
    func known(_ block: UInt32) -> Unmanaged<DirectPeer>? {
        guard block < Self.capacity, let peer = unsafe self.peers[Int(block)] else { return nil }
        return peer.hasEnded ? nil : unsafe .passUnretained(peer)
    }

    func isRefused(_ block: UInt32, now: UInt64) -> Bool {
        block >= Self.capacity || (unsafe self.refusals[Int(block)]) > now
    }

    func refuse(_ block: UInt32, now: UInt64) {
        guard block < Self.capacity else { return }
        unsafe self.refusals[Int(block)] = now + Self.refusalNanoseconds
    }

    func forEach(_ body: (DirectPeer) -> Void) {
        for index in 0..<Self.capacity {
            if let peer = unsafe self.peers[index] { body(peer) }
        }
    }

    func abandonInForkedChild() {
        self.forEach { $0.abandonInForkedChild() }
    }
}
