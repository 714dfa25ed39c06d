/// What keeps one registered range in memory.
internal enum Pin: Sendable {
    case none
    /// A count in the account of locked pages.
    case locked(PageRange)
    /// These slots, numbered over all rings.
    case buffers([Int])
}
