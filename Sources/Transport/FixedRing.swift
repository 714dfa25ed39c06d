/// A fixed number of trivial elements in memory of its own, taken once.
///
/// It keeps elements only; which of them are in use is the business of the queue that is built on it.
@safe
struct FixedRing<Element: BitwiseCopyable>: ~Copyable {
    let capacity: Int
    // SAFETY: holds `capacity` initialized elements from init to deinit, and never leaves this type. The subscript
    // checks bounds.
    private let elements: UnsafeMutablePointer<Element>

    /// - Precondition: `capacity` is at least 1.
    init(capacity: Int, filledWith element: Element) {
        precondition(capacity >= 1, "a ring without elements")
        self.capacity = capacity
        // SAFETY: freshly allocated for exactly this count.
        unsafe self.elements = .allocate(capacity: capacity)
        unsafe self.elements.initialize(repeating: element, count: capacity)
    }

    deinit {
        // SAFETY: allocated in init. The elements are trivial and need no deinitialization.
        unsafe self.elements.deallocate()
    }

    subscript(index: Int) -> Element {
        // Coroutines, so that a reader of one field does not copy the element. Through `pointee`: the Thread Sanitizer's build
        // of a subscript that yields another one stops the compiler (Swift 6.3).
        @inline(__always)
        _read {
            precondition(index >= 0 && index < self.capacity, "ring index out of bounds")
            // SAFETY: in bounds, checked above.
            let element = unsafe self.elements + index
            yield unsafe element.pointee
        }
        @inline(__always)
        _modify {
            precondition(index >= 0 && index < self.capacity, "ring index out of bounds")
            // SAFETY: in bounds, checked above; the ring is not copyable, so its owner has exclusive access.
            let element = unsafe self.elements + index
            yield unsafe &element.pointee
        }
    }
}
