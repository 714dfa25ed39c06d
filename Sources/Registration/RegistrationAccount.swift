import Synchronization
package import SystemIO

/// What the process has registered: the pages that are kept out of forked children, and the fork support of rdma-core
/// (`ibv_fork_init`) on top of them.
///
/// A process has one, `shared`. It installs fork handlers when it is first used; a module whose handlers take locks under
/// which it calls the account must use `shared` before it installs its own, so that its own run first.
package final class RegistrationAccount: Sendable {
    /// The account of this process, as the environment wants it.
    package static let shared: RegistrationAccount = {
        let account = RegistrationAccount(configuration: .fromEnvironment())
        account.installForkHandlers()
        return account
    }()

    /// The marks themselves; `mark_nocopy` uses them directly.
    package let ranges: NocopyRanges<LinuxMemoryKernel>
    package let pins: PinAccount
    private let edges = EdgePages()
    /// What tells of registered memory that children inherit, if it shall.
    private let check: ForkCheck?
    private let isForkSupportOn: Atomic<Bool>
    /// Whether something was registered before fork support was on, which is then too late.
    private let hasUnmarkedRegistration = Atomic<Bool>(false)

    /// For tests; others use `shared`.
    package init(configuration: RegistrationConfiguration) {
        self.ranges = NocopyRanges(policy: configuration.policy, kernel: LinuxMemoryKernel())
        self.pins = PinAccount(policy: configuration.pinPolicy)
        self.check = configuration.forkCheck.map { ForkCheck(mode: $0) }
        self.isForkSupportOn = Atomic(configuration.isForkSupportRequested && configuration.policy != .off)
    }
}

// MARK: - Registering

extension RegistrationAccount {
    /// Registers `byteCount` bytes from `address` on.
    ///
    /// - Throws: `EINVAL` when the range wraps around, or is not page-exact and must be; `ENOMEM` when a part is not
    ///   mapped, there is no memory for the account, the process has nearly as many mappings as it may have, or more
    ///   memory would be pinned than it may. Nothing has changed then.
    package func register(
        address: UInt,
        byteCount: UInt,
        options: RegistrationOptions = []
    ) throws(Errno) -> RegisteredRange {
        var token = RegistrationToken(epoch: self.ranges.epoch)
        guard byteCount > 0, !options.contains(.onDemand) else {
            return RegisteredRange(account: self, token: token)
        }
        let pages = try PageRange(address: address, byteCount: byteCount)
        token.foreignByteCount = pages.byteCount - byteCount
        if options.contains(.pageExact), token.foreignByteCount > 0 { throw .invalidArgument }
        if self.isForkSupportOn.load(ordering: .acquiring) {
            try self.ranges.mark(pages, isKnownMapped: options.contains(.isKnownMapped))
            token.marked = pages
            do throws(Errno) {
                token.edges = try self.edges.add(pages, address: address, byteCount: byteCount)
            } catch {
                self.ranges.unmarkForcibly(pages)
                throw error
            }
        } else {
            self.hasUnmarkedRegistration.store(true, ordering: .releasing)
        }
        do throws(Errno) {
            token.pin = try self.pins.pin(pages)
        } catch {
            self.unmark(token)
            throw error
        }
        if let check = self.check { token.checkNumber = check.note(pages) }
        return RegisteredRange(account: self, token: token)
    }

    internal func release(_ token: RegistrationToken) {
        guard token.epoch == self.ranges.epoch else { return }
        if let check = self.check { check.forget(token.checkNumber) }
        self.pins.unpin(token.pin)
        self.unmark(token)
    }

    private func unmark(_ token: RegistrationToken) {
        self.edges.remove(token.edges)
        if let marked = token.marked { self.ranges.unmarkForcibly(marked) }
    }
}

// MARK: - Fork support

extension RegistrationAccount {
    package var forkStatus: ForkStatus {
        if self.ranges.policy == .off { return .unneeded }
        return self.isForkSupportOn.load(ordering: .acquiring) ? .enabled : .disabled
    }

    /// Makes every later registration mark its pages, as `ibv_fork_init` does. Does nothing when it is so already, or when
    /// fork support is not needed.
    ///
    /// - Throws: `EINVAL` when something was registered without a mark before; `ENOSYS` when the kernel cannot leave pages
    ///   out of children; `ENOMEM`.
    package func initializeForkSupport() throws(Errno) {
        guard self.forkStatus == .disabled else { return }
        if self.hasUnmarkedRegistration.load(ordering: .acquiring) { throw .invalidArgument }
        try Self.probeKernel()
        self.isForkSupportOn.store(true, ordering: .releasing)
    }

    /// `ibv_dontfork_range` and `ibv_dofork_range`: marks, or takes a mark away, once fork support is on; only notes the
    /// attempt before. An empty range, and one at NULL, is fine.
    package func changeRange(address: UInt, byteCount: UInt, isMarking: Bool) throws(Errno) {
        let status = Self.change(self, address: address, byteCount: byteCount, isMarking: isMarking, always: false)
        if status != 0 { throw .last }
    }

    /// `changeRange` or, if it is `always`, `changeMarks`, for callers that have no reference of their own, past which nothing
    /// can be thrown.
    ///
    /// - Returns: 0, or -1 with the error in `errno`.
    @inline(always)
    internal static func change(
        _ account: RegistrationAccount,
        address: UInt,
        byteCount: UInt,
        isMarking: Bool,
        always: Bool
    ) -> CInt {
        guard always || account.mayChangeRange(at: address), byteCount > 0 else { return 0 }
        do throws(Errno) {
            let pages = try PageRange(address: address, byteCount: byteCount)
            return account.ranges.change(pages, by: isMarking ? 1 : -1)
        } catch {
            return error.told()
        }
    }

    /// Whether `changeRange` has something to do.
    @inline(__always)
    private func mayChangeRange(at address: UInt) -> Bool {
        guard self.isForkSupportOn.load(ordering: .acquiring) else {
            self.hasUnmarkedRegistration.store(true, ordering: .releasing)
            return false
        }
        return address > 0
    }

    /// `mark_nocopy`: marks, or takes a mark away, whether or not fork support is on. An empty range is fine.
    package func changeMarks(address: UInt, byteCount: UInt, isMarking: Bool) throws(Errno) {
        let status = Self.change(self, address: address, byteCount: byteCount, isMarking: isMarking, always: true)
        if status != 0 { throw .last }
    }

    /// Tries on a page of its own whether the kernel can leave pages out of children.
    private static func probeKernel() throws(Errno) {
        let kernel = LinuxMemoryKernel()
        let byteCount = Int(PageRange.pageByteCount)
        guard let page = unsafe kernel.allocate(byteCount: byteCount) else { throw .noMemory }
        // SAFETY: the page is this function's own until it is freed.
        defer { unsafe kernel.free(page, byteCount: byteCount) }
        let range = try PageRange(address: UInt(bitPattern: page), byteCount: UInt(byteCount))
        guard kernel.advise(.doNotCopy, range) == nil, kernel.advise(.copy, range) == nil else {
            throw .functionNotImplemented
        }
    }
}

// MARK: - Fork handlers

extension RegistrationAccount {
    /// Makes forks of the process go through this account. Only one account of a process can have that; for `shared`, and
    /// for tests in a process of their own.
    package func installForkHandlers() {
        ForkHandlers.install(self)
    }

    internal func prepareForFork() {
        self.pins.prepareForFork()
        let report = self.ranges.prepareForFork()
        if report.exposedRangeCount > 0 { ExposureWarning.tell(report) }
        self.check?.check()
        self.check?.prepareForFork()
        self.edges.prepareForFork()
    }

    internal func parentAfterFork() {
        self.edges.parentAfterFork()
        self.check?.parentAfterFork()
        self.ranges.parentAfterFork()
        self.pins.parentAfterFork()
    }

    internal func childAfterFork() {
        self.check?.childAfterFork()
        self.ranges.childAfterFork()
        self.pins.childAfterFork()
        self.edges.childAfterFork()
    }
}
