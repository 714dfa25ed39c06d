internal import CVerbs
internal import Glibc
internal import Segment
internal import SoftHCA
internal import SystemIO

/// The work requests that a program puts together with `ibv_wr_*` between `wr_start` and `wr_complete`.
///
/// They are kept here, with copies of their elements or inline data, and posted in one go at the end: the program may do
/// anything in between without holding a lock of the adapter. The buffer grows to the largest batch and stays.
///
/// ```
///   | Entry | elements or inline data, padded | Entry | … |
/// ```
///
/// Fields are used by one thread at a time: the one that called `begin`.
@safe
internal struct WorkRequestBatch {
    private var mutex: pthread_mutex_t
    // SAFETY: null, or `capacity` bytes of malloc(3) that this struct owns until `close`.
    private var buffer: UnsafeMutableRawPointer?
    private var capacity: Int
    private var byteCount: Int
    /// Where the request begins that setters belong to; -1 before the first.
    private var lastEntry: Int
    private var failure: CInt

    /// One request. Its payload lies behind it.
    private struct Entry {
        var request: SendWorkRequest
        var body: Body
        /// Elements, or bytes of inline data.
        var count: Int
    }

    /// What lies behind an entry.
    internal enum Body: UInt8 {
        case elements
        case inlineData
        /// One `Bind`.
        case bind
    }

    /// The payload of a bind of a window.
    @unsafe
    internal struct Bind {
        var window: UnsafeMutablePointer<ibv_mw>?
        var key: UInt32
        var info: ibv_mw_bind_info
    }

    private static var entryByteCount: Int { Self.padded(MemoryLayout<Entry>.stride) }

    private static func padded(_ byteCount: Int) -> Int { (byteCount + 15) & ~15 }
}

// MARK: - Life

extension WorkRequestBatch {
    /// Sets up a struct of zeros.
    internal mutating func open() {
        _ = unsafe pthread_mutex_init(&self.mutex, nil)
        self.lastEntry = -1
    }

    internal mutating func close() {
        unsafe free(self.buffer)
        unsafe self.buffer = nil
        _ = unsafe pthread_mutex_destroy(&self.mutex)
    }

    /// Keeps other threads out until `post` or `abandon`.
    ///
    /// In a forked child nothing is locked, here or there: a thread that is not there any more may hold the lock.
    internal mutating func begin(for queuePair: QueuePair) {
        guard ProcessGuard.isOwn(queuePair.generation) else { return }
        _ = unsafe pthread_mutex_lock(&self.mutex)
        self.byteCount = 0
        self.lastEntry = -1
        self.failure = 0
    }

    /// Forgets the requests.
    internal mutating func abandon(for queuePair: QueuePair) {
        guard ProcessGuard.isOwn(queuePair.generation) else { return }
        _ = unsafe pthread_mutex_unlock(&self.mutex)
    }
}

// MARK: - Putting together

extension WorkRequestBatch {
    /// Begins the next request.
    @inline(always)
    internal mutating func append(_ request: SendWorkRequest) {
        let offset = self.byteCount
        guard let memory = unsafe self.reserve(Self.entryByteCount) else { return }
        unsafe memory.bindMemory(to: Entry.self, capacity: 1)
            .initialize(to: Entry(request: request, body: .elements, count: 0))
        self.lastEntry = offset
    }

    /// Changes the request that was begun last.
    @inline(always)
    internal mutating func update(_ body: (inout SendWorkRequest) -> Void) {
        guard let entry = unsafe self.last else { return }
        unsafe body(&entry.pointee.request)
    }

    /// Gives the last request room for its payload, in place of one that it had.
    ///
    /// - Returns: `nil` when there is no request or no memory; the batch then fails as a whole.
    @inline(always)
    internal mutating func setPayload(count: Int, byteCount: Int, _ body: Body) -> UnsafeMutableRawPointer? {
        guard self.lastEntry >= 0 else {
            self.fail(EINVAL)
            return nil
        }
        self.byteCount = self.lastEntry + Self.entryByteCount
        guard let memory = unsafe self.reserve(Self.padded(byteCount)), let entry = unsafe self.last else { return nil }
        unsafe entry.pointee.body = body
        unsafe entry.pointee.count = count
        return unsafe memory
    }

    /// Remembers the first failure, for `post`.
    internal mutating func fail(_ error: CInt) {
        if self.failure == 0 { self.failure = error }
    }

    private var last: UnsafeMutablePointer<Entry>? {
        guard self.lastEntry >= 0 else { return nil }
        // SAFETY: `append` put an entry there; growing moved it along with the buffer.
        return unsafe self.buffer?.advanced(by: self.lastEntry).assumingMemoryBound(to: Entry.self)
    }

    private mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let end = self.byteCount + byteCount
        if end > self.capacity {
            let capacity = max(end, 2 * self.capacity, 4096)
            guard let grown = unsafe realloc(self.buffer, capacity) else {
                self.fail(ENOMEM)
                return nil
            }
            unsafe self.buffer = grown
            self.capacity = capacity
        }
        defer { self.byteCount = end }
        return unsafe self.buffer?.advanced(by: self.byteCount)
    }
}

// MARK: - Posting

extension WorkRequestBatch {
    /// Posts all requests or none.
    ///
    /// - Returns: 0 or an errno value.
    internal mutating func post(to queuePair: QueuePair) -> CInt {
        guard ProcessGuard.isOwn(queuePair.generation) else { return ProcessGuard.foreignObject.rawValue }
        defer { _ = unsafe pthread_mutex_unlock(&self.mutex) }
        guard self.failure == 0 else { return self.failure }
        guard let buffer = unsafe self.buffer else { return 0 }
        if let error = queuePair.beginSend() { return error.rawValue }
        var offset = 0
        while offset < self.byteCount {
            // SAFETY: entries and their payloads follow each other without a gap up to `byteCount`.
            let entry = unsafe buffer.advanced(by: offset).assumingMemoryBound(to: Entry.self).pointee
            let payload = unsafe UnsafeRawPointer(buffer).advanced(by: offset + Self.entryByteCount)
            let error: Errno?
            let payloadByteCount: Int
            switch entry.body {
            case .inlineData:
                payloadByteCount = entry.count
                error = unsafe queuePair.appendInline(entry.request, byteCount: entry.count) { room in
                    unsafe room.copyMemory(from: UnsafeRawBufferPointer(start: payload, count: entry.count))
                }
            case .elements:
                payloadByteCount = entry.count * MemoryLayout<ScatterElement>.stride
                error = unsafe queuePair.appendSend(
                    entry.request,
                    elements: payload.assumingMemoryBound(to: ScatterElement.self),
                    count: entry.count
                )
            case .bind:
                payloadByteCount = unsafe MemoryLayout<Bind>.stride
                let bind = unsafe payload.load(as: Bind.self)
                error = unsafe queuePair.appendBind(entry.request, bind.window, key: bind.key, bind.info)
            }
            if let error {
                queuePair.abortSend()
                return error.rawValue
            }
            offset += Self.entryByteCount + Self.padded(payloadByteCount)
        }
        queuePair.commitSend()
        return 0
    }
}
