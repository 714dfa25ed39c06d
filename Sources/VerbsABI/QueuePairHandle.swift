internal import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO

/// The memory behind `ibv_qp` and `ibv_qp_ex`: both begin alike, and every queue pair has room for the larger one.
@unsafe
internal struct QueuePairHandle {
    internal var base: ibv_qp_ex
    // SAFETY: retained when the queue pair is made, released by `ibv_destroy_qp`; between them every pointer to the C
    // struct is one to it.
    internal var object: Unmanaged<QueuePair>?
    /// The program asked for `ibv_wr_*`.
    internal var isExtended: Bool
    /// What `ibv_wr_*` has put together since `wr_start`.
    internal var batch: WorkRequestBatch
}

extension UnsafeMutablePointer where Pointee == ibv_qp {
    // SAFETY: the pointer is one that this library returned as a queue pair and did not destroy.

    @inline(always)
    internal var handle: UnsafeMutablePointer<QueuePairHandle> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: QueuePairHandle.self)
    }

    /// The adapter's queue pair.
    @inline(always)
    internal var object: Unmanaged<QueuePair> { unsafe self.handle.pointee.object.unsafelyUnwrapped }

    /// The adapter's queue pair, for calls that are not on the data path.
    internal var adapter: QueuePair { unsafe self.object.takeUnretainedValue() }

    /// Counts an acknowledged event, and tells whoever waits for it.
    internal func countEvent() {
        _ = unsafe pthread_mutex_lock(&self.pointee.mutex)
        unsafe self.pointee.events_completed &+= 1
        _ = unsafe pthread_cond_signal(&self.pointee.cond)
        _ = unsafe pthread_mutex_unlock(&self.pointee.mutex)
    }
}

extension UnsafeMutablePointer where Pointee == ibv_qp_ex {
    // SAFETY: as for `ibv_qp`, with which `ibv_qp_ex` begins.

    @inline(always)
    internal var handle: UnsafeMutablePointer<QueuePairHandle> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: QueuePairHandle.self)
    }
}

extension UnsafeMutablePointer where Pointee == QueuePairHandle {
    // SAFETY: the C struct lies at the beginning of the handle.

    internal var cStruct: UnsafeMutablePointer<ibv_qp> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: ibv_qp.self)
    }

    /// Fills in what every queue pair has.
    internal func initialize(context: UnsafeMutablePointer<ibv_context>?, number: UInt32, type: ibv_qp_type) {
        let base = unsafe self.cStruct
        unsafe base.pointee.context = context
        unsafe base.pointee.handle = number
        unsafe base.pointee.qp_num = number
        unsafe base.pointee.state = IBV_QPS_RESET
        unsafe base.pointee.qp_type = type
        _ = unsafe pthread_mutex_init(&base.pointee.mutex, nil)
        _ = unsafe pthread_cond_init(&base.pointee.cond, nil)
        unsafe self.pointee.batch.open()
    }
}
