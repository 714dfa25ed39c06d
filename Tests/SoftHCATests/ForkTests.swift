import Glibc
import Segment
import SystemIO
import TestSupport
import Testing

@testable import SoftHCA

@Suite("Objects after fork")
struct ForkTests {
    @Test func `in the child every verb fails, and the parent notices nothing`() async {
        await #expect(processExitsWith: .success) {
            // What a program has at the moment of the fork.
            let segment = try LocalSegment.open()
            let context = try Context(device: Device(index: 0, interface: .fake()))
            let domain = try ProtectionDomain(context: context)
            let channel = try CompletionChannel(context: context)
            let queue = try CompletionQueue(context: context, capacity: 8, channel: channel)
            let shared = try SharedReceiveQueue(domain: domain, capacity: 8, scatterMax: 1)
            let pair = try QueuePair(
                domain: domain,
                QueuePairInit(
                    type: .reliable,
                    sendQueue: queue,
                    receiveQueue: queue,
                    capabilities: QueuePairCapabilities()
                )
            )
            let page = UInt64(
                UInt(bitPattern: mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
            )
            func register() throws -> MemoryRegion {
                try MemoryRegion(domain: domain, address: page, byteCount: 64, iova: page, access: .localWrite)
            }
            let region = try register()
            queue.push(WorkCompletion(1), isSolicited: false)
            try queue.requestNotification(solicitedOnly: false)
            queue.push(WorkCompletion(2), isSolicited: false)

            let child = CFunctions.fork()
            if child == 0 {
                let verbs: [() throws -> Void] = [
                    { _ = try ProtectionDomain(context: context) },
                    { _ = try CompletionChannel(context: context) },
                    { _ = try CompletionQueue(context: context, capacity: 8) },
                    { _ = try SharedReceiveQueue(domain: domain, capacity: 8, scatterMax: 1) },
                    { _ = try register() },
                    { _ = try channel.nextEvent() },
                    { _ = try context.asyncEvents.next() },
                    { try queue.requestNotification(solicitedOnly: false) },
                    { try queue.resize(to: 16) },
                    { try shared.modify(capacity: nil, limit: 1) },
                    { try region.reregister(.access, domain: nil, address: 0, byteCount: 0, access: []) },
                    { try region.close() },
                    { try pair.modify(QueuePairAttributes(), mask: .state) },
                    { _ = try pair.query() },
                    { try pair.close() },
                    { try queue.close() },
                    { try channel.close() },
                    { try shared.close() },
                    { try domain.close() },
                    { try context.close() },
                ]
                for (index, verb) in verbs.enumerated() where failure(of: verb) != .ioError { _exit(CInt(10 + index)) }
                if queue.poll(8, { _, _ in }) != -1 { _exit(2) }
                if shared.post(workRequestID: 1, elements: nil, count: 0) != .ioError { _exit(3) }
                if pair.postReceive(workRequestID: 1, elements: nil, count: 0) != .ioError { _exit(60) }
                if pair.beginSend() != .ioError { _exit(61) }
                // A child may start anew.
                guard let own = try? LocalSegment.open(), own !== segment else { _exit(4) }
                guard let mine = try? Context(device: context.device), mine.segment === own else { _exit(5) }
                guard let fresh = try? CompletionQueue(context: mine, capacity: 8) else { _exit(6) }
                fresh.push(WorkCompletion(9), isSolicited: false)
                _exit(fresh.poll(8) { _, _ in } == 1 ? 0 : 7)
            }
            var status: CInt = 0
            while waitpid(child, &status, 0) == -1 && errno == EINTR {}
            guard status == 0 else { exit(status > 255 ? status >> 8 : 100 + status) }
            guard try channel.nextEvent() === queue, queue.poll(8, { _, _ in }) == 2 else { exit(8) }
            queue.acknowledgeEvents(1)
            try region.close()
            try pair.close()
            try queue.close()
        }
    }
}
