import Synchronization
import SystemIO

/// The file that all processes of a registry have mapped: a header and a slot for each block.
///
/// Its locks carry what must outlive a killed process: the one on byte 0 guards all writing, and the one on byte N says
/// that the owner of block N lives. What the file *holds* is never trusted further than that. Not responsible for threads:
/// the caller takes a lock of its own around the guard.
@safe
internal struct RegistryFile: ~Copyable, Sendable {
    // SAFETY: maps `byteCount` bytes that `FileSystem.reserve` made sure, for as long as the value lives.
    private let mapping: SharedMapping

    static var byteCount: Int { (Int(QPNBlock.countMax) + 1) * RegistrySlot.stride }

    private static var magic: UInt64 { 0x414E_4542_5245_5601 }
    /// Counts up with each change of the layout, or of what a field means.
    private static var version: UInt64 { 1 }

    /// The header lies where slot 0 would, for block 0 belongs to nobody.
    private enum Offset {
        static var magic: Int { 0 }
        static var version: Int { 8 }
        static var joinCount: Int { 16 }
        static var nonce: Int { 24 }
        static var round: Int { 32 }
        static var serviceOwner: Int { 40 }
        static var lastRepair: Int { 48 }
    }

    private init(mapping: consuming SharedMapping) {
        self.mapping = mapping
    }

    /// Opens the file, and makes it if there is none.
    ///
    /// - Returns: `nil` when the directory was removed meanwhile.
    static func open(_ directory: RegistryDirectory) throws(RegistryError) -> RegistryFile? {
        do throws(Errno) {
            let descriptor = try FileSystem.openPrivateFile(at: directory.registryPath)
            let information = try FileSystem.information(of: descriptor.rawValue)
            guard information.kind == .regular else { throw .permissionDenied }
            try FileSystem.reserve(descriptor.rawValue, byteCount: Self.byteCount)
            return RegistryFile(mapping: try SharedMapping(takingOver: descriptor, byteCount: Self.byteCount))
        } catch {
            if error == .noSuchFile { return nil }
            throw .directoryUnusable(path: directory.registryPath, error)
        }
    }

    private var rawDescriptor: CInt { self.mapping.descriptor.rawValue }

    /// Closes the file in a forked child; it has no locks, and no mapping either.
    func abandon() {
        self.mapping.descriptor.close()
    }
}

// MARK: - Locks

extension RegistryFile {
    private static var guardByte: Int { 0 }

    /// Takes the guard if it is free.
    func tryLockGuard() -> Bool {
        (try? RecordLock.tryAcquire(self.rawDescriptor, byteOffset: Self.guardByte)) ?? false
    }

    /// Takes the guard, and waits for it until `deadlineNanoseconds` on the monotonic clock.
    ///
    /// It asks again and again instead of sleeping in the kernel, for a process that was stopped while it held the guard
    /// must not stop the others for good.
    func lockGuard(deadlineNanoseconds: UInt64) -> Bool {
        while !self.tryLockGuard() {
            guard MonotonicClock.now < deadlineNanoseconds else { return false }
            MonotonicClock.sleep(nanoseconds: 500_000)
        }
        return true
    }

    func unlockGuard() {
        RecordLock.release(self.rawDescriptor, byteOffset: Self.guardByte)
    }

    /// Takes the lock that says that the owner of `block` lives.
    func tryLock(_ block: QPNBlock) -> Bool {
        (try? RecordLock.tryAcquire(self.rawDescriptor, byteOffset: Int(block.rawValue))) ?? false
    }

    func unlock(_ block: QPNBlock) {
        RecordLock.release(self.rawDescriptor, byteOffset: Int(block.rawValue))
    }

    /// Whether another process owns `block` and lives. When the kernel cannot say, it does.
    func isAlive(_ block: QPNBlock) -> Bool {
        let byte = Int(block.rawValue)
        return (try? RecordLock.isHeldByAnother(self.rawDescriptor, byte...byte)) ?? true
    }

    /// Whether any other process owns a block and lives.
    var hasOtherMembers: Bool {
        (try? RecordLock.isHeldByAnother(self.rawDescriptor, 1...Int(QPNBlock.countMax))) ?? true
    }
}

// MARK: - Contents

extension RegistryFile {
    /// Checks that the file holds a registry of this layout, and makes it one if nobody is using it.
    ///
    /// The caller holds the guard.
    func validate(_ directory: RegistryDirectory) throws(RegistryError) {
        let isSound =
            self.load(Offset.magic) == Self.magic
            && self.load(Offset.version) == Self.version
        if isSound { return }
        guard !self.hasOtherMembers else { throw .otherVersion(path: directory.registryPath) }
        // SAFETY: the mapping has these bytes.
        unsafe self.mapping.base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.byteCount)
        self.store(Self.version, Offset.version)
        self.store(Self.magic, Offset.magic)
    }

    /// Whether the name still leads to this file, and not to none, or to one that was made after its removal.
    func isLinked(_ directory: RegistryDirectory) -> Bool {
        guard let own = try? FileSystem.information(of: self.rawDescriptor) else { return false }
        guard let named = try? FileSystem.information(at: directory.registryPath) else { return false }
        return own.inode == named.inode && own.device == named.device
    }

    subscript(block: QPNBlock) -> RegistrySlot {
        get {
            // SAFETY: the file has a slot for every block.
            unsafe self.mapping.base.loadUnaligned(
                fromByteOffset: Int(block.rawValue) * RegistrySlot.stride,
                as: RegistrySlot.self
            )
        }
        nonmutating set {
            // SAFETY: the file has a slot for every block.
            unsafe self.mapping.base.storeBytes(
                of: newValue,
                toByteOffset: Int(block.rawValue) * RegistrySlot.stride,
                as: RegistrySlot.self
            )
        }
    }

    /// How many joinings there were. Like the others, it is written under the guard and read by anyone.
    var joinCount: UInt64 {
        get { self.load(Offset.joinCount) }
        nonmutating set { self.store(newValue, Offset.joinCount) }
    }

    /// By what the probes of the present round are known.
    var nonce: UInt64 {
        get { self.load(Offset.nonce) }
        nonmutating set { self.store(newValue, Offset.nonce) }
    }

    /// Number of the present round of probes; 0 before the first.
    var round: UInt32 {
        get { UInt32(truncatingIfNeeded: self.load(Offset.round)) }
        nonmutating set { self.store(UInt64(newValue), Offset.round) }
    }

    /// The block whose owner gets what is addressed to queue pair 1, or 0.
    var serviceOwner: UInt32 {
        get { UInt32(truncatingIfNeeded: self.load(Offset.serviceOwner)) }
        nonmutating set { self.store(UInt64(newValue), Offset.serviceOwner) }
    }

    /// When somebody last began a repair, on the monotonic clock, which all processes share.
    var lastRepairNanoseconds: UInt64 {
        get { self.load(Offset.lastRepair) }
        nonmutating set { self.store(newValue, Offset.lastRepair) }
    }

    private func load(_ byteOffset: Int) -> UInt64 {
        // SAFETY: an aligned word of the mapping, which starts on a page.
        unsafe (self.mapping.base + byteOffset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .load(ordering: .relaxed)
    }

    private func store(_ value: UInt64, _ byteOffset: Int) {
        // SAFETY: an aligned word of the mapping, which starts on a page.
        unsafe (self.mapping.base + byteOffset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .store(value, ordering: .relaxed)
    }
}

// MARK: - Removal

extension RegistryFile {
    private init(opening directory: RegistryDirectory) throws(Errno) {
        let descriptor = try FileSystem.openFile(at: directory.registryPath)
        let information = try FileSystem.information(of: descriptor.rawValue)
        guard information.byteCount >= Self.byteCount else { throw .invalidArgument }
        self.mapping = try SharedMapping(takingOver: descriptor, byteCount: Self.byteCount)
    }

    /// Removes a directory whose processes are all dead, unless someone is just joining.
    static func removeIfAbandoned(_ directory: RegistryDirectory) {
        do throws(Errno) {
            let file = try RegistryFile(opening: directory)
            guard file.tryLockGuard() else { return }
            // Whoever has opened the file meanwhile finds it unlinked when the guard is his, and starts anew.
            if !file.hasOtherMembers { directory.remove() }
            file.unlockGuard()
        } catch {
            // Without a file there is no guard to hold: somebody may be making the file now, so that nothing may be
            // removed but the directory itself, and that only while it is empty. A short file is being made as well.
            if error == .noSuchFile { try? FileSystem.removeDirectory(directory.path) }
        }
    }
}
