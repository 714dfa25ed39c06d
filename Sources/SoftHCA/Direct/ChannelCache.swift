internal import SystemIO

/// Duplicates of the event descriptors of a peer's completion channels, found by the channel's number.
@safe
internal struct ChannelCache: ~Copyable, @unchecked Sendable {
    private static var capacity: Int { 64 }

    // SAFETY: `capacity` initialised places from `init` until `deinit`; a place is 0 or holds the channel of that number.
    private let numbers: UnsafeMutablePointer<UInt32>
    // SAFETY: likewise; -1 where there is none.
    private let descriptors: UnsafeMutablePointer<CInt>

    init() {
        unsafe self.numbers = .allocate(capacity: Self.capacity)
        unsafe self.numbers.initialize(repeating: 0, count: Self.capacity)
        unsafe self.descriptors = .allocate(capacity: Self.capacity)
        unsafe self.descriptors.initialize(repeating: -1, count: Self.capacity)
    }

    deinit {
        self.closeAll()
        unsafe self.numbers.deallocate()
        unsafe self.descriptors.deallocate()
    }

    func find(_ number: UInt32) -> CInt? {
        let place = Int(number) % Self.capacity
        return unsafe self.numbers[place] == number ? self.descriptors[place] : nil
    }

    /// Keeps a duplicate; one that had its place is closed.
    func insert(_ number: UInt32, _ descriptor: consuming OwnedDescriptor) -> CInt {
        let place = Int(number) % Self.capacity
        unsafe OwnedDescriptor.close(rawValue: self.descriptors[place])
        let rawValue = descriptor.release()
        unsafe self.numbers[place] = number
        unsafe self.descriptors[place] = rawValue
        return rawValue
    }

    func closeAll() {
        for place in 0..<Self.capacity {
            unsafe OwnedDescriptor.close(rawValue: self.descriptors[place])
            unsafe self.numbers[place] = 0
            unsafe self.descriptors[place] = -1
        }
    }
}
