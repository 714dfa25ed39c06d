package import SystemIO

// Regions: slots of the memory table that are in use from `register` to `deregister`.

extension ProcessSegment {
    /// Makes a range known under a new key.
    ///
    /// - Parameters:
    ///   - address: First byte: in this process, or from the start of the segment, as `kind` says.
    ///   - virtualAddress: What work requests call that byte.
    ///   - byteCount: Neither range may wrap around the end of the address space: checked by the caller.
    ///   - domain: Handle of the protection domain.
    ///   - kind: One of the regions.
    /// - Returns: The key, never 0. It is valid at once.
    /// - Throws: `ENOMEM` when the table is full.
    package func register(
        address: UInt64,
        virtualAddress: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        domain: UInt32,
        kind: MemoryKind = .region
    ) throws(Errno) -> UInt32 {
        precondition(kind.isRegion, "windows are bound")
        self.lock.lock()
        defer { self.lock.unlock() }
        guard let index = self.freeMemory.allocate(in: self.memory, count: self.layout.memoryCount) else {
            throw .noMemory
        }
        let entry = self.memory.entry(at: index)
        let key = self.nextKey(of: entry, at: index)
        entry.position.storeRelaxed(address)
        entry.virtualAddress.storeRelaxed(virtualAddress)
        entry.byteCount.storeRelaxed(byteCount)
        entry.access.storeRelaxed(access.rawValue)
        entry.domain.storeRelaxed(domain)
        entry.kind.storeRelaxed(kind.rawValue)
        entry.queuePair.storeRelaxed(0)
        entry.regionKey.storeRelaxed(0)
        entry.validate(key)
        self.header.counter(.regionsRegistered).add(1)
        return key
    }

    /// Makes a key invalid, and returns once nobody is inside the region any more.
    ///
    /// - Throws: `EINVAL` when the key is not valid, for example because it was deregistered before; `EBUSY` while a window
    ///   is bound to the region.
    package func deregister(key: UInt32) throws(Errno) {
        let index = self.memory.index(forKey: key)
        let entry = self.memory.entry(at: index)
        let windows = try self.takeAway(key)
        entry.waitForAccesses()
        // Whoever was inside a window when it was invalidated works on the region still.
        for window in windows { self.memory.entry(at: window).waitForAccesses() }
        self.placers.wait()
        self.waitForInitiators()
        self.lock.withLock { self.release(index) }
        self.header.counter(.regionsDeregistered).add(1)
    }

    /// Changes what a key allows, and in which domain, once nobody is inside the region. The key stays.
    ///
    /// - Throws: `EINVAL` when the key is not valid; `EBUSY` while a window is bound to the region.
    package func change(key: UInt32, access: AccessFlags, domain: UInt32) throws(Errno) {
        let entry = self.memory.entry(forKey: key)
        _ = try self.takeAway(key)
        // The slot is in no list, and its key resolves for nobody.
        entry.waitForAccesses()
        self.placers.wait()
        self.waitForInitiators()
        entry.access.storeRelaxed(access.rawValue)
        entry.domain.storeRelaxed(domain)
        entry.validate(key)
    }

    /// Makes the key of a region invalid. The caller waits for who is inside, not under the lock: others may register
    /// meanwhile. The slot is nobody's until it is in a list again.
    ///
    /// - Returns: The slots of windows that were bound to the region last.
    private func takeAway(_ key: UInt32) throws(Errno) -> [UInt32] {
        self.lock.lock()
        defer { self.lock.unlock() }
        let entry = self.memory.entry(forKey: key)
        guard self.memory.isValid(key: key), MemoryKind(rawValue: entry.kind.relaxed).isRegion else {
            throw .invalidArgument
        }
        let windows = self.windowSlots.filter { self.memory.entry(at: $0).regionKey.relaxed == key }
        guard windows.allSatisfy({ self.memory.entry(at: $0).validKey == 0 }) else { throw .resourceBusy }
        entry.invalidate()
        return Array(windows)
    }
}

// MARK: - Slots and keys

extension ProcessSegment {
    /// Gives a slot back that has no valid key. The caller holds the lock.
    internal func release(_ index: UInt32) {
        let entry = self.memory.entry(at: index)
        if entry.generation.relaxed < self.generationCount, entry.windowGeneration.relaxed < self.windowGenerationCount
        {
            self.freeMemory.resting.append(index, in: self.memory)
        } else {
            entry.generation.storeRelaxed(0)
            entry.windowGeneration.storeRelaxed(0)
            self.freeMemory.retired.append(index, in: self.memory)
        }
    }

    /// The number behind a prefix: a slot, whether the key is that of a type 2 window, and a part of the generation.
    private func prefix(of index: UInt32, isWindow: Bool, generation: UInt32) -> UInt32 {
        let bitCount = UInt32(self.layout.memoryCount.trailingZeroBitCount)
        let generationPart = generation & (self.windowGenerationCount - 1)
        return self.memory.cipher.encrypt(generationPart << (bitCount + 1) | (isWindow ? 1 << bitCount : 0) | index)
    }

    /// Prefixes that one slot has for windows of type 2, under each of which all tags are the program's. It has as many
    /// for regions, so that no tag of a program makes the key of a region.
    internal var windowGenerationCount: UInt32 {
        UInt32(1 << (KeyCipher.prefixBitCount - 1)) / UInt32(self.layout.memoryCount)
    }

    /// Keys that one slot has for regions and windows of type 1.
    internal var generationCount: UInt32 { self.windowGenerationCount * KeyCipher.tagCount }

    /// The key of the slot's next generation. Takes a generation, or two when the key would be 0.
    internal func nextKey(of entry: MemoryEntry, at index: UInt32) -> UInt32 {
        var generation = entry.generation.relaxed
        var key: UInt32 = 0
        while key == 0 {
            let prefix = self.prefix(of: index, isWindow: false, generation: generation)
            let tag = self.memory.cipher.tag(generation / self.windowGenerationCount, under: prefix)
            key = prefix << 8 | tag
            generation += 1
        }
        entry.generation.storeRelaxed(generation)
        return key
    }

    /// The first key of a window of type 2. Its prefix is the slot's until it is given back.
    internal func nextWindowKey(of entry: MemoryEntry, at index: UInt32) -> UInt32 {
        var generation = entry.windowGeneration.relaxed
        var prefix: UInt32 = 0
        // No tag makes a key under this prefix 0.
        while prefix == 0 {
            prefix = self.prefix(of: index, isWindow: true, generation: generation)
            generation += 1
        }
        entry.windowGeneration.storeRelaxed(generation)
        return prefix << 8 | self.memory.cipher.tag(generation & 0xFF, under: prefix)
    }
}
