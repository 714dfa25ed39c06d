internal import Segment

/// The receive request that a message is being written to: taken from its ring, not yet completed.
@safe
internal struct ReceiveWork: ~Copyable {
    var descriptor: ReceiveDescriptor
    /// Whether `descriptor` holds a request.
    var isActive = false

    init(scatterMax: Int) {
        self.descriptor = ReceiveDescriptor(capacity: scatterMax)
    }
}
