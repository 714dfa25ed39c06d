internal import CVerbs
internal import Segment

// SAFETY (this file): `ScatterElement` has the layout of `ibv_sge` (pinned by a test of the ABI), so that a list of one
// is a list of the other; the list is as long as the request says.

extension ibv_recv_wr {
    /// The memory to scatter to.
    @inline(always)
    internal var elements: UnsafePointer<ScatterElement>? { unsafe scatterElements(self.sg_list) }
}

extension ibv_send_wr {
    /// The memory to gather from.
    @inline(always)
    internal var elements: UnsafePointer<ScatterElement>? { unsafe scatterElements(self.sg_list) }
}

@inline(always)
internal func scatterElements(_ list: UnsafePointer<ibv_sge>?) -> UnsafePointer<ScatterElement>? {
    unsafe UnsafeRawPointer(list)?.assumingMemoryBound(to: ScatterElement.self)
}
