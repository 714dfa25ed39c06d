import Segment
import TestSupport

@testable import SoftHCA
@testable import SystemIO

extension NetworkInterface {
    /// An interface that exists in a test only.
    static func fake(
        _ name: String = "eth0",
        index: UInt32 = 2,
        isUp: Bool = true,
        isRunning: Bool = true,
        isLoopback: Bool = false,
        mtu: Int = 1500,
        macAddress: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56],
        addresses: [IPAddress] = [IPAddress(ipv4: 0x0A00_0001)]
    ) -> NetworkInterface {
        NetworkInterface(
            name: name,
            index: index,
            isUp: isUp,
            isRunning: isRunning,
            isLoopback: isLoopback,
            mtu: mtu,
            macAddress: macAddress,
            speedMegabits: nil,
            addresses: addresses.map {
                Address(address: $0, prefixBitCount: 24, scope: .global, isTentative: false)
            }
        )
    }
}

extension Context {
    /// A context on an interface that does not exist, with a small segment of its own.
    static func forTesting(interface: NetworkInterface = .fake()) throws(Errno) -> Context {
        let layout = SegmentLayout(byteCount: 64 << 20, memoryCount: 1 << 10, completionCount: 64, receiveCount: 64)
        return try Context(
            device: Device(index: 0, interface: interface),
            segment: try ProcessSegment(name: "verbena-test", layout: layout),
            engine: try EngineHolder.start(segment: try LocalSegment.open())
        )
    }
}

extension WorkCompletion {
    init(_ workRequestID: UInt64, status: UInt32 = 0) {
        self.init()
        self.workRequestID = workRequestID
        self.status = status
    }
}

/// What a verb failed with; `nil` when it did not.
func failure(of verb: () throws -> Void) -> Errno? {
    do {
        try verb()
        return nil
    } catch {
        return error as? Errno ?? (error as? MemoryRegion.ChangeFailure)?.errno
    }
}

extension CompletionQueue {
    /// Takes up to `count` completions and gives each to `body` with its place, 0 and up.
    func poll(_ count: Int, _ body: (Int, WorkCompletion) -> Void) -> Int {
        withUnsafeTemporaryAllocation(of: WorkCompletion.self, capacity: count) { room in
            room.initialize(repeating: WorkCompletion())
            guard let base = room.baseAddress else { return 0 }
            let taken = self.poll(into: base, count: count)
            for index in 0..<max(taken, 0) { body(index, room[index]) }
            return taken
        }
    }
}
