/// A receive request, laid out as `ibv_recv_wr`.
@unsafe
@usableFromInline
internal struct RawReceiveRequest: BitwiseCopyable {
    @usableFromInline internal var id: UInt64 = 0
    @usableFromInline internal var next: UnsafeMutablePointer<RawReceiveRequest>?
    @usableFromInline internal var elements: UnsafeMutablePointer<RawElement>?
    @usableFromInline internal var elementCount: Int32 = 0

    @inlinable
    internal init() {}

    /// Calls `body` with a request for one message.
    @inlinable
    @inline(always)
    @unsafe
    internal static func withOne(
        _ element: RawElement,
        id: UInt64,
        _ body: (UnsafeMutablePointer<RawReceiveRequest>) -> CInt
    ) -> CInt {
        var element = element
        var request = unsafe RawReceiveRequest()
        unsafe request.id = id
        unsafe request.elementCount = 1
        return unsafe withUnsafeMutablePointer(to: &element) { element in
            unsafe request.elements = unsafe element
            return unsafe withUnsafeMutablePointer(to: &request) { unsafe body($0) }
        }
    }
}
