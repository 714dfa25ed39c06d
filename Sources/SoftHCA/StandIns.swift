package import Segment
package import SystemIO

// Until the engine and the queue pair are in this module.

package enum Engine {
    package static func start(segment: ProcessSegment) throws(Errno) {}
    package static func makeProgress() {}
    package static func willBlock() {}
}

package final class QueuePair: Sendable {
    package let asyncAccount = EventAccount()
    package init() {}
}
