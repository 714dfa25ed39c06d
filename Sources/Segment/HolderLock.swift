public import Synchronization
internal import SystemIO

/// A lock of one word in a segment, between the threads of its owner and of the processes that work there, which survives the death
/// of whoever holds it.
///
/// The word names the holder. Who waits looks now and then whether that one lives, and takes the lock over if not: some
/// milliseconds later than with a robust mutex, of which the kernel knows, and for a tenth of the instructions where nobody waits.
///
/// Bits 0 to 30 of the word: 0 when free, else a `SegmentHolder`. Bit 31: somebody sleeps.
@safe
public struct HolderLock {
    // SAFETY: four bytes in the mapping of a segment, which outlives the lock.
    @usableFromInline internal let word: UnsafeMutablePointer<Atomic<UInt32>>
    /// Who takes the lock through this view.
    @usableFromInline internal let holder: UInt32
    // SAFETY: start of the same mapping.
    private let segmentBase: UnsafeMutableRawPointer
    // SAFETY: whoever has the mapping keeps it.
    private let liveness: Unmanaged<ProcessLiveness>

    /// What the one who wants the lock finds.
    public enum Acquisition: Hashable, Sendable {
        case clean
        /// The last holder died with the lock held: what it guards may be half-written. The lock is taken.
        case holderDied
        /// The owner of the segment died with the lock held, and nobody needs it any more. The lock is not taken.
        case ownerDied
        /// Somebody who lives holds it and does not give it back soon: he may be stopped. The lock is not taken. Only from `lockSoon`.
        case busy
    }

    @usableFromInline internal static var free: UInt32 { 0 }
    private static var contended: UInt32 { 1 << 31 }
    /// How often a thread looks again before it sleeps: some hundred nanoseconds.
    private static var spinCountMax: Int { 200 }
    /// How often it gives way before it gives up: long enough for a holder that waits for a processor.
    private static var yieldCountMax: Int { 50 }
    /// How long it sleeps before it asks whether the holder lives.
    private static var patienceNanoseconds: UInt64 { 2_000_000 }

    /// - Parameter offset: Where in the segment of the view the word is: 0, or a lock before.
    internal init(at offset: Int, in view: SegmentView) {
        unsafe self.segmentBase = view.base
        unsafe self.word = (view.base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
        self.holder = view.holder.rawValue
        unsafe self.liveness = view.liveness
    }
}

// SAFETY: the word is atomic.
extension HolderLock: @unchecked Sendable {}

// MARK: - Locking

extension HolderLock {
    /// Waits until the lock is free, or its holder has died, and takes it.
    @inlinable @inline(always)
    public func lock() -> Acquisition {
        self.tryLock() ? .clean : self.lockContended()
    }

    /// As `lock`, but waits only as long as a holder that runs needs.
    @inlinable @inline(always)
    public func lockSoon() -> Acquisition {
        self.tryLock() ? .clean : self.lockContendedSoon()
    }

    @inlinable @inline(always)
    internal func tryLock() -> Bool {
        // Pairs with the release in `unlock`.
        unsafe self.word.pointee.compareExchange(
            expected: Self.free,
            desired: self.holder,
            successOrdering: .acquiring,
            failureOrdering: .relaxed
        ).exchanged
    }

    /// Frees the lock, which the calling thread holds.
    @inlinable @inline(always)
    public func unlock() {
        if unsafe self.word.pointee.exchange(Self.free, ordering: .releasing) != self.holder { self.wakeOne() }
    }

    private func spin() -> Bool {
        for _ in 0..<Self.spinCountMax {
            if unsafe self.word.pointee.load(ordering: .relaxed) == Self.free, self.tryLock() { return true }
        }
        return false
    }

    @usableFromInline
    @inline(never)
    internal func lockContendedSoon() -> Acquisition {
        if self.spin() { return .clean }
        for _ in 0..<Self.yieldCountMax {
            Scheduling.yield()
            if self.tryLock() { return .clean }
        }
        let found = unsafe self.word.pointee.load(ordering: .relaxed)
        return found == Self.free ? .busy : self.takeOver(found) ?? .busy
    }

    /// Takes the lock if its holder has died; `nil` if not.
    private func takeOver(_ found: UInt32) -> Acquisition? {
        let holder = SegmentHolder(rawValue: found & ~Self.contended)
        guard !self.isAlive(holder) else { return nil }
        guard holder != .owner else { return .ownerDied }
        // As contended, because others may sleep.
        return self.replace(found, with: self.holder | Self.contended) ? .holderDied : nil
    }

    @usableFromInline
    @inline(never)
    internal func lockContended() -> Acquisition {
        if self.spin() { return .clean }
        // Whoever slept once takes the lock as contended, because others may sleep still.
        let contendedHolder = self.holder | Self.contended
        while true {
            let found = unsafe self.word.pointee.load(ordering: .relaxed)
            if found == Self.free {
                if self.replace(found, with: contendedHolder) { return .clean }
                continue
            }
            let waitedFor = found | Self.contended
            guard found == waitedFor || self.replace(found, with: waitedFor) else { continue }
            unsafe SharedFutex.wait(on: self.word, while: waitedFor, nanoseconds: Self.patienceNanoseconds)
            guard unsafe self.word.pointee.load(ordering: .relaxed) == waitedFor else { continue }
            if let acquisition = self.takeOver(waitedFor) { return acquisition }
        }
    }

    private func replace(_ expected: UInt32, with desired: UInt32) -> Bool {
        unsafe self.word.pointee.compareExchange(
            expected: expected,
            desired: desired,
            successOrdering: .acquiring,
            failureOrdering: .relaxed
        ).exchanged
    }

    /// Whether a process that holds the lock lives, and works on the segment still.
    private func isAlive(_ holder: SegmentHolder) -> Bool {
        if holder.rawValue == self.holder { return true }
        if holder == .owner { return unsafe SegmentHeader(at: self.segmentBase).isOwnerAlive }
        let line = unsafe InitiatorLine(block: holder.block, segmentBase: self.segmentBase)
        // Somebody else has its block, or it is another program by now: a process attaches itself once.
        guard SegmentHolder(block: holder.block, attachment: line.attachment.acquired) == holder else { return false }
        let incarnation = line.incarnation.acquired
        return unsafe self.liveness._withUnsafeGuaranteedRef { $0.isAlive?(holder.block, incarnation) ?? true }
    }

    @usableFromInline
    @inline(never)
    internal func wakeOne() {
        unsafe SharedFutex.wake(self.word)
    }
}
