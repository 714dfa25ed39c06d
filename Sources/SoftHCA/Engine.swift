internal import HostRegistry
package import Segment
internal import Synchronization
package import SystemIO
internal import Transport
internal import Wire

/// The part of the adapter that is one for the process: the socket, the queue pairs by number, the timers, and the
/// thread that does the work when no application thread does.
///
/// Every queue pair's state is guarded by ``lock``. An application thread takes it when it posts and, if it is free,
/// when it polls; the background thread takes it when nobody polls. Order of locks: engine, then receive ring, then
/// completion queue, then channel.
@safe
package final class Engine {
    internal let lock = WordLock()
    internal let membership: Membership
    package let segment: ProcessSegment
    internal let ownMemory: OwnMemory
    internal let poller: Poller
    internal let wake: EventDescriptor
    /// `nil` in a sandbox that does not let it look at the interfaces; then nobody is told of changes.
    internal let routeMonitor: RouteMonitor?
    internal let portWatch = PortWatch()

    /// How processes of this host are reached, as `VERBENA_PATH` has it. Changed by tests only.
    // SAFETY: not while a queue pair is being connected.
    internal var policy = PathPolicy.fromEnvironment

    // Guarded by `lock`.
    internal var peers = PeerDirectory()
    internal var scratch = DirectScratch()
    internal var datagramReceive = ReceiveDescriptor(capacity: Limits.scatterElements)
    internal var batch = TransmitBatch()
    /// Takes the packet that met a full socket, while `batch` waits.
    internal var spare = TransmitBatch()
    internal var queuePairs = QueuePairDirectory()
    /// The shared receive queues of extended connections, by number.
    // SAFETY: a queue takes itself out before it ends.
    internal private(set) var extendedQueues: [QPN: Unmanaged<SharedReceiveQueue>] = unsafe [:]
    internal var multicast = MulticastTable()
    internal var connectionRefusals = ConnectionRefusals()
    internal var isBlocked = false
    /// Why the kernel refused to send most recently.
    package internal(set) var lastRefusal: Errno?
    /// The earliest timer of any queue pair, in nanoseconds of the monotonic clock. It may be too early, never too late.
    internal var nextDeadline = UInt64.max
    /// When the background thread goes on with a long copy, unless a polling thread does before.
    internal var copyDeadline = UInt64.max
    /// How long it leaves one to them.
    internal var copyPatience = copyPatienceMin
    /// When the background thread wakes by itself.
    internal var sleepsUntil = UInt64.max
    package internal(set) var counters = EngineCounters()
    // SAFETY: allocated from `init` until `deinit`, used under `lock`.
    internal let receiveBuffer: UnsafeMutableRawBufferPointer
    // SAFETY: likewise; the first `touchedCount` places hold queue pairs of the table.
    internal let touched: UnsafeMutablePointer<Unmanaged<QueuePair>>
    internal var touchedCount = 0
    /// Connections that receive, or wait for answers, through the socket, and datagram queue pairs, which may.
    internal var socketUsers = 0
    internal var datagramUsers = 0
    /// Whether one of them had more packets to send than its share.
    internal var hasUnfinishedPackets = false
    /// Completion queues whose events may have to wait; each takes itself off before it ends.
    // SAFETY: whatever is in the list is alive.
    private var moderatedQueues: [Unmanaged<CompletionQueue>] = unsafe []

    /// Rounds that application threads have made.
    internal let pollCount = Atomic<UInt64>(0)
    /// Rounds in a row in which polling threads found nothing.
    private let idleRounds = Atomic<UInt32>(0)
    /// Polls look at the socket where these bits of their count are 0: all, or one in a power of two.
    internal let lookInterval = Atomic<UInt64>(0)
    /// Polls have put payloads in place since the last look.
    internal let hasDirectArrivals = Atomic<Bool>(false)
    /// A queue pair had its share, and goes on with the next round.
    internal let isUnfinished = Atomic<Bool>(false)
    /// An application thread is about to sleep until a completion comes.
    internal let isSleeping = Atomic<Bool>(false)
    internal let isStopping = Atomic<Bool>(false)
    internal var thread: BackgroundThread?

    /// Joins the host's registry and starts the background thread.
    ///
    /// - Throws: The errno of what is missing: EADDRINUSE when the port is taken, EMFILE, ENOMEM. A line on standard
    ///   error says what to do.
    internal init(segment: ProcessSegment) throws(Errno) {
        self.segment = segment
        self.ownMemory = OwnMemory(segment)
        do throws(RegistryError) {
            self.membership = try HostRegistry.join()
        } catch {
            Diagnostics.warn(error.description)
            throw error.errno
        }
        self.poller = try Poller()
        self.wake = try EventDescriptor(isNonBlocking: true)
        self.routeMonitor = try Self.openRouteMonitor()
        unsafe self.receiveBuffer = .allocate(byteCount: UDPSocket.receiveByteCountMax, alignment: 64)
        unsafe self.touched = .allocate(capacity: QueuePairDirectory.capacity)
        try self.poller.add(self.membership.socket.rawDescriptor, token: Token.socket)
        try self.poller.add(self.membership.forwardDescriptor, token: Token.forwarded)
        try self.poller.add(self.wake.rawDescriptor, token: Token.wake)
        if let rawDescriptor = self.routeMonitor?.rawDescriptor {
            try self.poller.add(rawDescriptor, token: Token.routes)
        }
        try self.startThread()
        try self.admitPeers()
    }

    private static func openRouteMonitor() throws(Errno) -> RouteMonitor? {
        do throws(Errno) {
            return try RouteMonitor()
        } catch {
            // Too few descriptors are an error here as anywhere.
            guard error == .permissionDenied || error == .operationNotPermitted else { throw error }
            return nil
        }
    }

    deinit {
        unsafe self.receiveBuffer.deallocate()
        unsafe self.touched.deallocate()
    }

    internal enum Token {
        static var socket: UInt64 { 1 }
        static var forwarded: UInt64 { 2 }
        static var wake: UInt64 { 3 }
        static var routes: UInt64 { 4 }
        /// Plus a process's block: it has ended.
        static var firstProcess: UInt64 { 16 }
    }
}

// SAFETY: what changes is guarded by `lock` or atomic, as each property says.
extension Engine: @unchecked Sendable {}

// MARK: - Progress

extension Engine {
    /// Receives what has arrived, serves timers, and transmits what the windows allow. Never blocks; when another thread
    /// is at it already, there is nothing left to do.
    ///
    /// Who finds nothing many times in a row lets others run: unlike an adapter, the peer needs a processor to answer.
    package func makeProgress() {
        // Counted without care for threads that poll at once: nothing but patience depends on it.
        let count = self.pollCount.load(ordering: .relaxed) &+ 1
        self.pollCount.store(count, ordering: .relaxed)
        // Peers that are reached directly write their completions themselves.
        if self.lookInterval.load(ordering: .relaxed) & count != 0, !self.hasWork {
            let idleCount = self.idleRounds.load(ordering: .relaxed) &+ 1
            self.idleRounds.store(idleCount, ordering: .relaxed)
            if idleCount >= Self.quietRoundsMax, idleCount % Self.quietRoundsPerYield == 0 { Scheduling.yield() }
            return
        }
        guard self.lock.tryLock() else {
            // Whoever has it may wait for this processor.
            Scheduling.yield()
            return
        }
        let hasReceived = self.progress()
        let idleCount = hasReceived ? 0 : self.idleRounds.load(ordering: .relaxed) &+ 1
        self.idleRounds.store(idleCount, ordering: .relaxed)
        self.chooseLookInterval(hasReceived: hasReceived)
        let isQuiet = self.lookInterval.load(ordering: .relaxed) != 0
        self.lock.unlock()
        if !isQuiet, idleCount >= Self.idleRoundsMax { Scheduling.yield() }
    }

    /// A poll found a completion.
    @inline(always)
    internal func noteCompletion() {
        self.idleRounds.store(0, ordering: .relaxed)
    }

    /// Whether something waits that a thread has to do under the lock.
    @inline(always)
    private var hasWork: Bool {
        self.isUnfinished.load(ordering: .relaxed) || self.segment.header.attention.relaxed != 0
    }

    /// Rounds without a packet after which a polling thread gives way: some 20 microseconds.
    private static var idleRoundsMax: UInt32 { 32 }
    /// The same where no round asks the socket, and how often it then gives way: about once a microsecond.
    private static var quietRoundsMax: UInt32 { 1024 }
    private static var quietRoundsPerYield: UInt32 { 64 }

    /// The work of one round. The caller holds the lock.
    ///
    /// - Returns: Whether a packet came.
    @discardableResult
    internal func progress(isThread: Bool = false) -> Bool {
        let now = Timestamp(nanoseconds: MonotonicClock.now)
        if self.isBlocked { self.flush() }
        if self.touchedCount > 0, !self.isBlocked { self.serveTouched(now: now) }
        let hasReceived = self.receiveAll(now: now)
        self.serveAttention(now: now)
        if now.nanoseconds >= self.nextDeadline { self.serveTimers(now: now) }
        self.finishRound(now: now, isThread: isThread)
        return hasReceived
    }

    internal func serveTimersIfDue() {
        let now = Timestamp(nanoseconds: MonotonicClock.now)
        let isDue = now.nanoseconds >= min(self.nextDeadline, self.copyDeadline)
        guard isDue || self.segment.header.attention.relaxed != 0 else { return }
        if self.isBlocked { self.flush() }
        self.serveAttention(now: now)
        self.serveTimers(now: now)
        self.finishRound(now: now, isThread: true)
    }

    /// Sends what has been gathered.
    internal func flush() {
        self.sendBatch()
        guard !self.isBlocked, !self.spare.isEmpty else { return }
        swap(&self.batch, &self.spare)
        self.sendBatch()
    }

    private func sendBatch() {
        switch self.batch.send(through: self.membership.socket) {
        case .sent:
            self.isBlocked = false
        case .blocked:
            self.isBlocked = true
        case .lost(let error):
            self.isBlocked = false
            self.counters.refusedPackets += 1
            self.lastRefusal = error
        }
    }

    /// Sees to it that what could not be finished now goes on soon, whether or not anybody polls. The last act before
    /// the lock is released.
    internal func finishRound(now: Timestamp, isThread: Bool = false) {
        self.flush()
        if self.isBlocked {
            self.noteDeadline(now.advanced(byNanoseconds: Self.blockedRetryNanoseconds))
        } else if self.touchedCount > 0, self.hasUnfinishedPackets || isThread {
            self.noteDeadline(now)
        } else if self.touchedCount > 0, self.copyDeadline == .max {
            self.leaveCopyToPollers()
        }
        self.isUnfinished.store(self.touchedCount > 0, ordering: .relaxed)
        self.wakeThreadIfNeeded()
    }

    /// How long to wait for room in the socket's send buffer.
    private static var blockedRetryNanoseconds: UInt64 { 500_000 }
}

// MARK: - Queue pairs

extension Engine {
    /// Marks a queue pair that has something to do.
    internal func touch(_ queuePair: QueuePair) {
        guard !queuePair.isTouched else { return }
        queuePair.isTouched = true
        unsafe self.touched[self.touchedCount] = .passUnretained(queuePair)
        self.touchedCount += 1
    }

    /// Takes a queue pair that goes away out of those that have something to do.
    internal func untouch(_ queuePair: QueuePair) {
        guard queuePair.isTouched else { return }
        queuePair.isTouched = false
        let pointer = unsafe Unmanaged.passUnretained(queuePair).toOpaque()
        for index in 0..<self.touchedCount where unsafe self.touched[index].toOpaque() == pointer {
            self.touchedCount -= 1
            unsafe self.touched[index] = self.touched[self.touchedCount]
            return
        }
    }

    /// Transmits and completes for every queue pair that was touched. One that could not finish, because the socket is
    /// full or because it had its share, stays touched for the next round.
    internal func serveTouched(now: Timestamp) {
        let count = self.touchedCount
        self.touchedCount = 0
        self.hasUnfinishedPackets = false
        // Whoever copies a part now may copy the next.
        self.copyDeadline = .max
        for index in 0..<count {
            // SAFETY: a queue pair is taken off the list before it goes away. Touching one again writes to a place that
            // was read before.
            unsafe self.touched[index]._withUnsafeGuaranteedRef { queuePair in
                queuePair.isTouched = false
                queuePair.serve(now: now)
                if queuePair.isUnfinished {
                    self.touch(queuePair)
                    if queuePair.direct == nil { self.hasUnfinishedPackets = true }
                }
            }
        }
    }

    internal func noteDeadline(_ deadline: Timestamp?) {
        if let deadline, deadline.nanoseconds < self.nextDeadline { self.nextDeadline = deadline.nanoseconds }
    }

    /// Lets every queue pair whose time has come act, and finds the next deadline anew.
    private func serveTimers(now: Timestamp) {
        self.nextDeadline = .max
        self.queuePairs.forEach { queuePair in
            guard let deadline = queuePair.deadline else { return }
            if deadline <= now {
                queuePair.handleTimeout(now: now)
                self.touch(queuePair)
            } else {
                self.noteDeadline(deadline)
            }
        }
        self.serveTouched(now: now)
        for index in 0..<(unsafe self.moderatedQueues.count) {
            unsafe self.moderatedQueues[index]._withUnsafeGuaranteedRef { queue in
                queue.handleModerationTimeout(now: now)
                self.noteDeadline(queue.moderationDeadline)
            }
        }
    }

    /// Serves the timer of a completion queue from now on, or no longer. The caller holds the lock.
    internal func setModerated(_ queue: CompletionQueue, _ isModerated: Bool) {
        let pointer = unsafe Unmanaged.passUnretained(queue).toOpaque()
        unsafe self.moderatedQueues.removeAll { unsafe $0.toOpaque() == pointer }
        if isModerated { unsafe self.moderatedQueues.append(.passUnretained(queue)) }
    }
}

// MARK: - Shared receive queues of extended connections

extension Engine {
    /// Lets requests find the queue.
    internal func insert(_ queue: SharedReceiveQueue) {
        guard let extended = queue.extended else { return }
        self.lock.withLock {
            unsafe self.extendedQueues[extended.number] = .passUnretained(queue)
            unsafe extended.domain.domain.queues.append(.passUnretained(queue))
        }
    }

    /// Takes a queue away from requests, and from the target queue pairs that work for it.
    internal func remove(_ queue: SharedReceiveQueue) {
        guard let extended = queue.extended else { return }
        let pointer = unsafe Unmanaged.passUnretained(queue).toOpaque()
        self.lock.withLock {
            unsafe self.extendedQueues[extended.number] = nil
            unsafe extended.domain.domain.queues.removeAll { unsafe $0.toOpaque() == pointer }
            self.queuePairs.forEach { $0.forgetTarget(queue) }
        }
    }
}

// MARK: - Leaving

extension Engine {
    /// Leaves the registry as the process ends. If another thread is at the socket just now, the kernel tidies up.
    internal func leave() {
        self.isStopping.store(true, ordering: .releasing)
        guard self.lock.tryLock() else { return }
        self.membership.leave()
        self.lock.unlock()
    }
}

// MARK: - Fork

extension Engine {
    /// Lets go of what a forked child must not keep open. The socket is the membership's to close.
    internal func abandonInForkedChild() {
        self.poller.close()
        self.wake.descriptor.close()
        self.routeMonitor?.descriptor.close()
        self.peers.abandonInForkedChild()
    }
}
