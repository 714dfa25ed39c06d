/// The pages on which one registration begins or ends in the middle, each once.
internal struct Edges: Hashable, Sendable {
    internal var first: PageRange?
    internal var last: PageRange?
}
