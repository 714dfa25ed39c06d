package import SystemIO

// Memory windows: slots of the memory table that are in use from `makeWindow` to `removeWindow`. A window is bound as long
// as a key of its slot is valid. All but invalidation is the owner's alone.

extension ProcessSegment {
    /// Makes a window that is not bound.
    ///
    /// - Returns: Its first key, which is not valid, and which names its slot.
    /// - Throws: `ENOMEM` when the table is full.
    package func makeWindow(_ type: MemoryWindowType, domain: UInt32) throws(Errno) -> UInt32 {
        self.lock.lock()
        defer { self.lock.unlock() }
        guard let index = self.freeMemory.allocate(in: self.memory, count: self.layout.memoryCount) else {
            throw .noMemory
        }
        self.windowSlots.insert(index)
        let entry = self.memory.entry(at: index)
        entry.domain.storeRelaxed(domain)
        entry.kind.storeRelaxed(MemoryKind.region.window(type).rawValue)
        entry.queuePair.storeRelaxed(0)
        entry.regionKey.storeRelaxed(0)
        return type == .type1 ? self.nextKey(of: entry, at: index) : self.nextWindowKey(of: entry, at: index)
    }

    /// The key that a window of type 1 shall have after its next bind.
    ///
    /// - Parameter key: The one it has now. All keys of a window name the same slot.
    package func nextWindowKey(after key: UInt32) -> UInt32 {
        let index = self.memory.index(forKey: key)
        return self.lock.withLock {
            let entry = self.memory.entry(at: index)
            if entry.generation.relaxed >= self.generationCount {
                // Keys come back, an adapter's after 256 binds and these after thousands. The slot retires when it is free.
                entry.generation.storeRelaxed(0)
                entry.windowGeneration.storeRelaxed(self.windowGenerationCount)
            }
            return self.nextKey(of: entry, at: index)
        }
    }

    /// Binds a window, and makes `key` valid. A window of type 1 that is bound already is bound anew.
    ///
    /// - Parameter key: One that names the window's slot.
    /// - Returns: Whether the binding is in order (IBTA Volume 1, section 10.6.7.2); if not, nothing has changed.
    package func bindWindow(key: UInt32, to binding: MemoryBinding) -> Bool {
        let index = self.memory.index(forKey: key)
        self.lock.lock()
        defer { self.lock.unlock() }
        let entry = self.memory.entry(at: index)
        guard let type = self.windowType(at: index), entry.domain.relaxed == binding.domain,
            type == .type1 || entry.validKey == 0, type == .type1 || binding.byteCount > 0,
            let bound = self.range(of: binding)
        else { return false }
        entry.invalidate()
        entry.waitForAccesses()
        self.waitForInitiators()
        entry.position.storeRelaxed(bound.position)
        entry.virtualAddress.storeRelaxed(binding.access.contains(.zeroBased) ? 0 : binding.address)
        entry.byteCount.storeRelaxed(binding.byteCount)
        entry.access.storeRelaxed(binding.access.rawValue)
        entry.kind.storeRelaxed(bound.kind.window(type).rawValue)
        entry.queuePair.storeRelaxed(type == .type2 ? binding.queuePair : 0)
        entry.regionKey.storeRelaxed(binding.regionKey)
        entry.validate(key)
        return true
    }

    /// Takes the binding of a window of type 1 away, if it has one: a bind of length 0.
    ///
    /// - Returns: Whether it is a window of type 1 in that domain.
    package func unbindWindow(key: UInt32, domain: UInt32) -> Bool {
        let index = self.memory.index(forKey: key)
        self.lock.lock()
        defer { self.lock.unlock() }
        let entry = self.memory.entry(at: index)
        guard self.windowType(at: index) == .type1, entry.domain.relaxed == domain else { return false }
        entry.invalidate()
        entry.waitForAccesses()
        self.waitForInitiators()
        return true
    }

    /// Unbinds a window if it is bound, and gives its slot back once nobody is inside.
    ///
    /// - Throws: `EINVAL` when the key names no window.
    package func removeWindow(key: UInt32) throws(Errno) {
        let index = self.memory.index(forKey: key)
        guard self.lock.withLock({ self.windowSlots.contains(index) }) else { throw .invalidArgument }
        let entry = self.memory.entry(at: index)
        entry.invalidate()
        entry.waitForAccesses()
        self.waitForInitiators()
        self.lock.withLock {
            self.windowSlots.remove(index)
            self.release(index)
        }
    }

    /// Invalidates what is bound to a queue pair that goes away: its number will be another's.
    package func unbindWindows(ofQueuePair number: UInt32) {
        let slots = self.lock.withLock { self.windowSlots }
        for index in slots {
            let entry = self.memory.entry(at: index)
            let key = entry.validKey
            guard key != 0, entry.queuePair.relaxed == number else { continue }
            _ = self.memory.invalidateWindow(
                key: key,
                by: .remote(domain: entry.domain.relaxed, queuePair: number)
            )
        }
    }
}

// MARK: - Checks

extension ProcessSegment {
    /// `nil` when the slot holds no window. The caller holds the lock.
    private func windowType(at index: UInt32) -> MemoryWindowType? {
        guard self.windowSlots.contains(index) else { return nil }
        return MemoryKind(rawValue: self.memory.entry(at: index).kind.relaxed).windowType
    }

    /// Where the bytes are that a binding names, and of what kind their region is; `nil` when the region does not allow
    /// it. The caller holds the lock, so the region stays.
    private func range(of binding: MemoryBinding) -> (position: UInt64, kind: MemoryKind)? {
        let allowed: AccessFlags = [.remote, .zeroBased]
        guard allowed.contains(binding.access), self.memory.isValid(key: binding.regionKey) else { return nil }
        // A peer may write through a window what the owner may write himself.
        let writes = !binding.access.isDisjoint(with: [.remoteWrite, .remoteAtomic])
        let location = self.memory.resolve(
            key: binding.regionKey,
            address: binding.address,
            byteCount: binding.byteCount,
            access: writes ? [.bindWindow, .localWrite] : .bindWindow,
            by: .local(domain: binding.domain)
        )
        guard let location else { return nil }
        return (location.position, MemoryKind(rawValue: self.memory.entry(forKey: binding.regionKey).kind.relaxed))
    }
}
