import Registration
import SystemIO
import Testing

/// Fork support as rdma-core's functions give it.
@Suite("Fork support")
struct ForkSupportTests {
    static func account(_ policy: ForkPolicy, isRequested: Bool = false) -> RegistrationAccount {
        RegistrationAccount(
            configuration: RegistrationConfiguration(policy: policy, isForkSupportRequested: isRequested)
        )
    }

    @Test(arguments: [ForkPolicy.eager, .atFork])
    func `it is off until somebody asks for it, and can be asked for twice`(policy: ForkPolicy) throws {
        let account = Self.account(policy)
        #expect(account.forkStatus == .disabled)
        try account.initializeForkSupport()
        try account.initializeForkSupport()
        #expect(account.forkStatus == .enabled)
        #expect(Self.account(policy, isRequested: true).forkStatus == .enabled)
    }

    @Test func `it is too late after a registration`() throws {
        let arena = try Arena(pageCount: 2)
        let account = Self.account(.eager)
        let range = try account.register(address: arena.address(of: 0), byteCount: 10)
        #expect(range.markedPages == nil)
        #expect(throws: Errno.invalidArgument) { try account.initializeForkSupport() }
        let other = Self.account(.eager)
        try other.changeRange(address: arena.address(of: 0), byteCount: 10, isMarking: true)
        #expect(throws: Errno.invalidArgument) { try other.initializeForkSupport() }
        #expect(arena.flags == [false, false])
    }

    @Test func `with the policy off nobody needs it`() throws {
        let arena = try Arena(pageCount: 2)
        let account = Self.account(.off, isRequested: true)
        #expect(account.forkStatus == .unneeded)
        try account.initializeForkSupport()
        try account.changeRange(address: arena.address(of: 0), byteCount: 10, isMarking: true)
        #expect(account.forkStatus == .unneeded)
        #expect(arena.flags == [false, false])
    }

    @Test func `on-demand regions and empty ones mark nothing`() throws {
        let arena = try Arena(pageCount: 2)
        let account = Self.account(.eager, isRequested: true)
        let first = try account.register(address: arena.address(of: 0), byteCount: 10, options: .onDemand)
        let second = try account.register(address: arena.address(of: 0), byteCount: 0)
        #expect(first.markedPages == nil)
        #expect(second.markedPages == nil)
        #expect(arena.flags == [false, false])
    }

    @Test func `two regions over the same bytes have lives of their own`() throws {
        let arena = try Arena(pageCount: 2)
        let account = Self.account(.eager, isRequested: true)
        let first = try account.register(address: arena.address(of: 0), byteCount: 10)
        let second = try account.register(address: arena.address(of: 0) + 5, byteCount: 10)
        first.release()
        #expect(arena.flags == [true, false])
        second.release()
        #expect(arena.flags == [false, false])
    }
}
