import Transport

/// Words of a host that several connections work on by atomics, and the log that tells whether they are linearisable.
///
/// Each operation carries a number that no other has (what it adds, or what it stores), so the log names it. The order of
/// execution is the order that a linearisation needs; what is left to check is that every operation stands in it at most
/// once, that its answer is what stood there then, and that it was executed between its post and its completion.
final class AtomicArena {
    private struct Execution {
        var word: Int
        var original: UInt64
        var time: Timestamp
    }

    static var wordCount: Int { 3 }

    let rKey: UInt32
    let address: UInt64
    /// The time of what is executed now.
    var now = Timestamp(nanoseconds: 0)
    private var words = [UInt64](repeating: 0, count: AtomicArena.wordCount)
    private var executions: [UInt64: Execution] = [:]
    private(set) var violation: String?
    /// Operations that met another's result.
    private(set) var contendedCount = 0

    init(rKey: UInt32, address: UInt64) {
        self.rKey = rKey
        self.address = address
    }

    /// The word at an address of the host, or `nil` when it is not of this arena.
    private func word(at address: UInt64) -> Int? {
        guard address >= self.address, (address - self.address) & 7 == 0 else { return nil }
        let index = (address - self.address) / 8
        return index < UInt64(Self.wordCount) ? Int(index) : nil
    }

    func allows(address: UInt64, byteCount: UInt64, access: RemoteAccess) -> Bool {
        access == .atomic && byteCount == 8 && self.word(at: address) != nil
    }

    /// Executes an operation.
    func execute(_ operation: AtomicOperation, address: UInt64, compareOrAdd: UInt64, swap: UInt64) -> UInt64? {
        guard let word = self.word(at: address) else { return nil }
        let original = self.words[word]
        let number = operation == .fetchAndAdd ? compareOrAdd : swap
        if self.executions[number] != nil { self.violation = "atomic \(number) was executed twice" }
        self.executions[number] = Execution(word: word, original: original, time: self.now)
        switch operation {
        case .fetchAndAdd:
            self.words[word] = original &+ compareOrAdd
        case .compareAndSwap:
            if original == compareOrAdd { self.words[word] = swap } else { self.contendedCount += 1 }
        }
        return original
    }

    /// What is wrong with an operation that completed with success.
    func fault(of request: SendRequest, original: UInt64?, postedAt: Timestamp, completedAt: Timestamp) -> String? {
        let number = request.operation == .fetchAndAdd ? request.compareOrAdd : request.swap
        guard let execution = self.executions[number] else { return "it was not executed" }
        guard execution.original == original else { return "it was answered with \(original as Any), not \(execution)" }
        guard postedAt <= execution.time, execution.time <= completedAt else {
            return "it was executed at \(execution.time.nanoseconds), outside its life"
        }
        return nil
    }
}
