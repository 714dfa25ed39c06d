internal import Synchronization

/// Region handles that were freed last. Each waits for some hundred others before its memory goes back, so that a region
/// which is ended twice is an error and not a crash: the second call still finds that nothing is behind the handle.
///
/// Without locks, so that a forked child may use it at any time.
@safe
internal struct RetiredHandles: ~Copyable {
    internal static let shared = RetiredHandles()

    /// A power of two.
    private static let capacity = 512

    // SAFETY: `capacity` initialised words for the life of the process; `shared` is the only value.
    private let places: UnsafeMutablePointer<Atomic<UInt>>
    private let count = Atomic<Int>(0)

    private init() {
        unsafe self.places = .allocate(capacity: Self.capacity)
        for index in 0..<Self.capacity { unsafe (self.places + index).initialize(to: Atomic(0)) }
    }

    /// Keeps the memory of a handle for a while, and frees the oldest.
    internal func add(_ handle: UnsafeMutableRawPointer) {
        let index = self.count.wrappingAdd(1, ordering: .relaxed).oldValue & (Self.capacity - 1)
        // Pairs with itself: whoever takes the oldest out sees what its thread wrote there.
        let oldest = unsafe self.places[index].exchange(UInt(bitPattern: handle), ordering: .acquiringAndReleasing)
        // SAFETY: `exchange` hands each handle to one caller.
        if let oldest = unsafe UnsafeMutableRawPointer(bitPattern: oldest) { unsafe CMemory.free(oldest) }
    }
}

// SAFETY: the words are atomic.
extension RetiredHandles: @unchecked Sendable {}
