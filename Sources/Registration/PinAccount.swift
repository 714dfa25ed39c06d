import SystemIO

/// The account of pages that are kept in memory on behalf of registrations.
///
/// `mlock` does not nest, so pages are counted: they are locked at the first pin and unlocked at the last. Registered
/// buffers nest by themselves. Either way the kernel lets everything go when the process dies. One lock covers the account
/// and its system calls; pinning costs microseconds at least.
package final class PinAccount: @unchecked Sendable {
    // SAFETY (unchecked): the stored variables are touched under `lock` only.
    package let policy: PinPolicy
    private let lock = Lock()
    private let kernel = LinuxMemoryKernel()
    private let sentinel = ForkSentinel()
    private var counts = PageCounts()
    private var outstandingCount = 0
    private var rings: [PinRing] = []
    /// Set when the kernel refused to make a ring, so that it is not asked again by `auto`.
    private var isRingRefused = false
    private var isUserTold = false

    package init(policy: PinPolicy) {
        self.policy = policy
    }

    deinit {
        self.counts.discardAll(to: self.kernel)
    }
}

// MARK: - Pinning

extension PinAccount {
    /// Keeps `pages` in memory as the policy says.
    ///
    /// - Throws: `ENOMEM` beyond the limit of locked memory, with a message that tells how to raise it; what the kernel
    ///   said otherwise. Nothing has changed then. The policies `none` and `auto` throw nothing.
    internal func pin(_ pages: PageRange) throws(Errno) -> Pin {
        guard self.policy != .none else { return .none }
        // A child of a bare `clone`, for which no handler ran.
        if self.sentinel.isInChild { self.childAfterFork() }
        self.lock.lock()
        defer { self.lock.unlock() }
        do throws(Errno) {
            return try self.pinned(pages)
        } catch {
            self.tell(error, about: pages)
            if self.policy == .auto { return .none }
            throw self.isLimit(error, for: pages) ? .noMemory : error
        }
    }

    internal func unpin(_ pin: Pin) {
        switch pin {
        case .none: break
        case .locked(let pages): self.lock.withLock { self.unlock(pages) }
        case .buffers(let slots): self.lock.withLock { self.emptySlots(slots) }
        }
    }

    /// How many bytes are locked by mlock(2) on behalf of registrations.
    package var lockedByteCount: UInt {
        self.lock.withLock {
            var sum: UInt = 0
            var address: UInt = 0
            while let run = self.counts.firstMarkedRun(endingAfter: address) {
                sum += run.byteCount
                address = run.upperBound
            }
            return sum
        }
    }

    private func pinned(_ pages: PageRange) throws(Errno) -> Pin {
        switch self.policy {
        case .none: return .none
        case .lock: break
        case .kernel:
            do throws(Errno) {
                return .buffers(try self.fillSlots(pages))
            } catch {
                // Read-only memory and files are no buffers of an io_uring.
                guard error == .badAddress || error == .notSupported, self.kernel.isMapped(pages) else { throw error }
            }
        case .auto:
            if !self.isRingRefused, let slots = try? self.fillSlots(pages) { return .buffers(slots) }
        }
        try self.lockPages(pages)
        return .locked(pages)
    }
}

// MARK: - mlock

extension PinAccount {
    private func lockPages(_ pages: PageRange) throws(Errno) {
        let stepCountMax = max(self.counts.stepCount, 2 * self.outstandingCount) + 2
        guard self.counts.reserve(stepCountMax: stepCountMax, from: self.kernel) else { throw .noMemory }
        var rest: PageRange? = pages
        while let current = rest, let run = self.counts.firstRun(of: current, withCountAtMost: 0)?.range {
            if let error = MemoryLock.lock(from: run.lowerBound, to: run.upperBound) {
                self.unlockRuns(of: PageRange(lowerBound: pages.lowerBound, upperBound: run.upperBound), withCount: 0)
                throw error
            }
            rest =
                run.upperBound < pages.upperBound
                ? PageRange(lowerBound: run.upperBound, upperBound: pages.upperBound) : nil
        }
        self.counts.add(1, to: pages)
        self.outstandingCount += 1
    }

    private func unlock(_ pages: PageRange) {
        self.unlockRuns(of: pages, withCount: 1)
        self.counts.add(-1, to: pages)
        self.outstandingCount -= 1
        if self.counts.isEmpty { self.counts.compact(to: self.kernel) }
    }

    private func unlockRuns(of pages: PageRange, withCount count: Int32) {
        var rest: PageRange? = pages
        while let current = rest, let run = self.counts.firstRun(of: current, withCountAtMost: count)?.range {
            if MemoryLock.unlock(from: run.lowerBound, to: run.upperBound) != nil { self.unlockMappings(of: run) }
            rest =
                run.upperBound < pages.upperBound
                ? PageRange(lowerBound: run.upperBound, upperBound: pages.upperBound) : nil
        }
    }

    /// Unlocks mapping by mapping, because munlock(2) stops at holes.
    private func unlockMappings(of run: PageRange) {
        var address = run.lowerBound
        while address < run.upperBound, let mapping = self.kernel.mapping(atOrAbove: address) {
            let lowerBound = max(address, mapping.lowerBound)
            let upperBound = min(run.upperBound, mapping.upperBound)
            guard lowerBound < upperBound else { return }
            _ = MemoryLock.unlock(from: lowerBound, to: upperBound)
            address = upperBound
        }
    }
}

// MARK: - io_uring

extension PinAccount {
    private func fillSlots(_ pages: PageRange) throws(Errno) -> [Int] {
        var slots: [Int] = []
        var address = pages.lowerBound
        do throws(Errno) {
            while address < pages.upperBound {
                let byteCount = min(pages.upperBound - address, IOUringBuffers.bufferByteCountMax)
                slots.append(try self.fillSlot(address: address, byteCount: byteCount))
                address += byteCount
            }
        } catch {
            self.emptySlots(slots)
            throw error
        }
        return slots
    }

    private func fillSlot(address: UInt, byteCount: UInt) throws(Errno) -> Int {
        for (index, ring) in self.rings.enumerated() where ring.hasRoom {
            return index * PinRing.slotCount + (try ring.pin(address: address, byteCount: byteCount))
        }
        let ring: PinRing
        do throws(Errno) {
            ring = try PinRing()
        } catch {
            self.isRingRefused = true
            throw error
        }
        self.rings.append(ring)
        return (self.rings.count - 1) * PinRing.slotCount + (try ring.pin(address: address, byteCount: byteCount))
    }

    private func emptySlots(_ slots: [Int]) {
        for slot in slots { self.rings[slot / PinRing.slotCount].unpin(slot: slot % PinRing.slotCount) }
    }
}

// MARK: - The limit

extension PinAccount {
    /// Whether the kernel's refusal means that too much memory would be locked.
    private func isLimit(_ error: Errno, for pages: PageRange) -> Bool {
        if self.lacksRing { return false }
        return error == .operationNotPermitted || error == .noMemory && self.kernel.isMapped(pages)
    }

    /// Whether the policy needs an io_uring, and the kernel, or a filter of system calls, forbids it.
    private var lacksRing: Bool { self.policy == .kernel && self.isRingRefused && self.rings.isEmpty }

    /// Says once why memory could not be pinned, and what mends it.
    private func tell(_ error: Errno, about pages: PageRange) {
        guard !self.isUserTold else { return }
        self.isUserTold = true
        let outcome =
            self.policy == .auto
            ? "registered memory stays unpinned" : "a registration of \(pages.byteCount) bytes failed"
        guard self.isLimit(error, for: pages), let limit = DoctorLimits.lockedMemory.soft else {
            let cause = self.lacksRing ? "io_uring is not to be had" : "memory cannot be pinned"
            let remedy = self.lacksRing ? "VERBENA_PIN=mlock does without." : "VERBENA_PIN=none pins nothing."
            Diagnostics.warn("\(cause) (\(error.message)): \(outcome). \(remedy)")
            return
        }
        Diagnostics.warn(
            """
            the limit of locked memory (RLIMIT_MEMLOCK) is \(limit / 1024) KiB: \(outcome). Raise it with 'ulimit -l' or \
            a 'memlock' line in /etc/security/limits.conf, or set VERBENA_PIN=\(self.policy == .auto ? "none" : "auto").
            """
        )
    }
}

// MARK: - Fork

extension PinAccount {
    /// Before a fork: the account is whole and locked until `parentAfterFork` or `childAfterFork`.
    internal func prepareForFork() {
        self.lock.lock()
    }

    internal func parentAfterFork() {
        self.lock.unlock()
    }

    /// In the child nothing is locked. Its descriptors of the rings would keep the parent's pages pinned, and are closed.
    internal func childAfterFork() {
        self.lock.reinitializeAfterFork()
        self.counts.discardAll(to: self.kernel)
        self.outstandingCount = 0
        self.rings = []
        self.sentinel.acknowledge()
    }
}
