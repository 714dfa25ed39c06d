import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("Route monitor", .serialized)
struct RouteMonitorTests {
    @Test(arguments: [
        "ip address add 10.1.2.3/24 dev lo", "ip address add fd00::7/64 dev lo nodad", "ip link set lo down",
        "ip link add dummy7 type veth",
    ])
    func `is readable after a change, and only then`(command: String) throws {
        try ThreadNamespace.withFresh {
            let monitor = try RouteMonitor()
            #expect(!Self.isReadable(monitor))
            try ThreadNamespace.shell(command)
            // The kernel tells of IPv6 addresses when it comes to it.
            #expect(Self.isReadable(monitor, withinMilliseconds: 20_000))
            monitor.drain()
            #expect(!Self.isReadable(monitor))
        }
    }

    private static func isReadable(_ monitor: RouteMonitor, withinMilliseconds patience: CInt = 0) -> Bool {
        var entry = pollfd(fd: monitor.rawDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, patience) == 1
    }
}
