/// The end of a send-queue request.
package struct RequestCompletion: Hashable, Sendable {
    /// The slot, free again from now on.
    package var slot: Int
    package var status: CompletionStatus
    package var operation: SendRequest.Operation
    /// As posted; 8 for the atomics.
    package var byteCount: UInt32
}
