/// An atomic operation on 8 bytes of our memory.
package enum AtomicOperation: UInt8, Hashable, Sendable {
    case compareAndSwap
    case fetchAndAdd
}
