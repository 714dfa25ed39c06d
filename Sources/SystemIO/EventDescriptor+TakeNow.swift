import CShims

extension EventDescriptor {
    /// Takes from the counter what is there without ever waiting, whatever the flags of the descriptor say.
    ///
    /// - Returns: Whether there was something.
    @discardableResult
    package func takeNow() -> Bool {
        var count: UInt64 = 0
        // SAFETY: the kernel writes the eight bytes of the local variable.
        return unsafe cshims_read_nowait(self.rawDescriptor, &count, 8) == 8
    }
}
