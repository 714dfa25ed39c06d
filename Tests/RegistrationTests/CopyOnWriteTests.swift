import Registration
import SystemIO
import Testing

/// The hazard that the account is there for, with the kernel's own reference to a page in the place of a device's.
@Suite("Copy-on-write below a held page")
struct CopyOnWriteTests {
    @Test func `without a mark the holder of a page goes on with the old one`() throws {
        let outcome = try CopyOnWriteExperiment.run { _, _ in }
        #expect(outcome.isSplit)
        #expect(outcome.seenByHolder == outcome.before)
        #expect(outcome.frameBefore == nil || outcome.frameBefore != outcome.frameAfter)
    }

    @Test func `with a mark the holder sees what the program writes`() throws {
        let account = RegistrationAccount(configuration: RegistrationConfiguration(policy: .eager))
        let outcome = try CopyOnWriteExperiment.run { address, byteCount throws(Errno) in
            try account.changeMarks(address: address, byteCount: byteCount, isMarking: true)
        }
        #expect(!outcome.isSplit)
        #expect(outcome.seenByHolder == outcome.after)
        #expect(outcome.frameBefore == outcome.frameAfter)
    }
}
