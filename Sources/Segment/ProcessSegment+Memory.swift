package import SystemIO

extension ProcessSegment {
    /// Makes a range of this process's memory known under a new key.
    ///
    /// - Parameters:
    ///   - address: First byte, in this process.
    ///   - virtualAddress: What work requests call that byte.
    ///   - byteCount: Neither range may wrap around the end of the address space: checked by the caller.
    ///   - domain: Handle of the protection domain.
    /// - Returns: The key, never 0. It is valid at once.
    /// - Throws: `ENOMEM` when the table is full.
    package func register(
        address: UInt64,
        virtualAddress: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        domain: UInt32
    ) throws(Errno) -> UInt32 {
        self.lock.lock()
        defer { self.lock.unlock() }
        guard let index = self.freeMemory.allocate(in: self.memory, count: self.layout.memoryCount) else {
            throw .noMemory
        }
        let entry = self.memory.entry(at: index)
        let key = self.nextKey(of: entry, at: index)
        entry.address.storeRelaxed(address)
        entry.virtualAddress.storeRelaxed(virtualAddress)
        entry.byteCount.storeRelaxed(byteCount)
        entry.access.storeRelaxed(access.rawValue)
        entry.domain.storeRelaxed(domain)
        // Added and not stored: a stale key may be counting itself in and out at this moment.
        entry.state.add(UInt64(key) << 32)
        self.header.counter(.regionsRegistered).add(1)
        return key
    }

    /// Makes a key invalid, and returns once nobody is inside the region any more.
    ///
    /// - Throws: `EINVAL` when the key is not valid, for example because it was deregistered before.
    package func deregister(key: UInt32) throws(Errno) {
        let index = self.memory.index(forKey: key)
        let entry = self.memory.entry(at: index)
        self.lock.lock()
        guard self.memory.isValid(key: key) else {
            self.lock.unlock()
            throw .invalidArgument
        }
        entry.state.keep(0xFFFF_FFFF)
        self.lock.unlock()

        // Not under the lock: others may register meanwhile. The slot is nobody's until it is in a list again.
        while entry.state.acquired & 0xFFFF_FFFF != 0 { Scheduling.yield() }

        self.lock.lock()
        defer { self.lock.unlock() }
        let hasKeysLeft = entry.generation.relaxed < self.generationCount
        if hasKeysLeft {
            self.freeMemory.resting.append(index, in: self.memory)
        } else {
            entry.generation.storeRelaxed(0)
            self.freeMemory.retired.append(index, in: self.memory)
        }
        self.header.counter(.regionsDeregistered).add(1)
    }

    /// Changes what a key allows, and in which domain, once nobody is inside the region. The key stays.
    ///
    /// - Throws: `EINVAL` when the key is not valid.
    package func change(key: UInt32, access: AccessFlags, domain: UInt32) throws(Errno) {
        let entry = self.memory.entry(at: self.memory.index(forKey: key))
        self.lock.lock()
        guard self.memory.isValid(key: key) else {
            self.lock.unlock()
            throw .invalidArgument
        }
        entry.state.keep(0xFFFF_FFFF)
        self.lock.unlock()
        // The slot is in no list, and its key resolves for nobody.
        while entry.state.acquired & 0xFFFF_FFFF != 0 { Scheduling.yield() }
        entry.access.storeRelaxed(access.rawValue)
        entry.domain.storeRelaxed(domain)
        entry.state.add(UInt64(key) << 32)
    }

    /// Keys that one slot has.
    private var generationCount: UInt32 { UInt32((1 << 32) / self.layout.memoryCount) }

    /// The key of the slot's next generation. Takes a generation, or two when the key would be 0.
    private func nextKey(of entry: MemoryTable.Entry, at index: UInt32) -> UInt32 {
        let indexBitCount = UInt32(self.layout.memoryCount.trailingZeroBitCount)
        var generation = entry.generation.relaxed
        var key = self.memory.cipher.encrypt(generation << indexBitCount | index)
        if key == 0 {
            generation += 1
            key = self.memory.cipher.encrypt(generation << indexBitCount | index)
        }
        entry.generation.storeRelaxed(generation + 1)
        return key
    }
}
