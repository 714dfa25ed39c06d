import Registration
import Synchronization
import SystemIO

/// The kernel below, and how often it was asked to change a flag, or whether memory is mapped.
final class CountingKernel: MemoryKernel {
    private let count = Atomic<Int>(0)
    private let questions = Atomic<Int>(0)
    private let kernel = LinuxMemoryKernel()

    func advise(_ advice: ForkAdvice, _ range: PageRange) -> Errno? {
        self.count.wrappingAdd(1, ordering: .relaxed)
        return self.kernel.advise(advice, range)
    }

    var adviceCount: Int { self.count.load(ordering: .relaxed) }

    var questionCount: Int { self.questions.load(ordering: .relaxed) }

    func isMapped(_ range: PageRange) -> Bool {
        self.questions.wrappingAdd(1, ordering: .relaxed)
        return self.kernel.isMapped(range)
    }

    func mapping(atOrAbove address: UInt) -> MemoryMapping? { self.kernel.mapping(atOrAbove: address) }
    func forEachMapping(_ body: (MemoryMapping) -> Bool) { self.kernel.forEachMapping(body) }
    var mappingCount: Int { self.kernel.mappingCount }
    var mappingLimit: Int { self.kernel.mappingLimit }
    func allocate(byteCount: Int) -> UnsafeMutableRawPointer? { self.kernel.allocate(byteCount: byteCount) }
    func free(_ base: UnsafeMutableRawPointer, byteCount: Int) { self.kernel.free(base, byteCount: byteCount) }
}
