import Glibc
import Verbs

/// Operations on memory of their own whose tasks are cancelled at random times. When a task is gone, its memory has no other
/// owner than the operation.
enum CancelledWork {
    /// A receive that was cancelled takes a message all the same, so sends and receives get out of step: after so many rounds
    /// their queue pairs are let go, with what is under way, and others take their place.
    private static let roundsOfAPair = 96

    static func run(count: Int) async throws {
        let endpoint = try Endpoint()
        let capacity = QueueCapacity(sendCount: 16, receiveCount: 16)
        let pairs = try Pairs(endpoint.completions, endpoint.domain, capacity: capacity)
        var messages = try Pairs(endpoint.completions, endpoint.domain, capacity: capacity)
        let target = try endpoint.region(byteCount: 1 << 14, remoteAccess: [.read, .write])
        let remote = target.remote
        var cancelledCount = 0
        for round in 0..<count {
            if round % Self.roundsOfAPair == 0 {
                messages = try Pairs(endpoint.completions, endpoint.domain, capacity: capacity)
            }
            let current = messages
            let byteCount = Int.random(in: 1...(1 << 14))
            let task = Task {
                let own = try endpoint.region(byteCount: byteCount)
                switch round % 4 {
                case 0: try await pairs.one.write(own.all, to: remote[0..<byteCount])
                case 1: try await pairs.one.read(into: own.all, from: remote[0..<byteCount])
                case 2: try await current.other.receive(into: own.all)
                default: try await current.one.send(own[0..<1])
                }
            }
            if Bool.random() { usleep(.random(in: 0...200)) } else { await Task.yield() }
            task.cancel()
            do {
                try await task.value
            } catch is CancellationError {
                cancelledCount += 1
            }
        }
        messages.one.close()
        messages.other.close()
        while endpoint.completions.outstandingCount > 0 { usleep(1000) }
        print("\(count) rounds, \(cancelledCount) cancelled, nothing under way")
    }
}
