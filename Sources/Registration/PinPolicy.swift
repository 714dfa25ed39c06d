/// Whether the pages of registered memory are kept in memory, and by what.
package enum PinPolicy: Sendable {
    /// They are not. Verbena reaches memory by its address and needs no pins.
    case none
    /// By mlock(2). Beyond the limit a registration fails, as with an adapter.
    case lock
    /// By the kernel, as a registered buffer of an io_uring: the reference that an adapter's driver takes. Memory that an
    /// io_uring does not take (read-only, or a file's) is locked instead. Beyond the limit a registration fails.
    case kernel
    /// By the kernel if it lets itself, else by mlock(2); beyond the limit not at all, with one warning.
    case auto
}
