import Segment
import SystemIO

extension ProcessSegment {
    /// A small segment for one test.
    static func forTesting(memoryCount: Int = 1 << 10, byteCount: Int = 64 << 20) throws(Errno) -> ProcessSegment {
        try ProcessSegment(
            name: "verbena-test",
            layout: SegmentLayout(
                byteCount: byteCount,
                memoryCount: memoryCount,
                completionCount: 64,
                receiveCount: 64
            )
        )
    }
}

extension WorkCompletion {
    init(_ workRequestID: UInt64, ofQueuePair number: UInt32 = 1) {
        self.init()
        self.workRequestID = workRequestID
        self.qpNumber = number
    }
}
