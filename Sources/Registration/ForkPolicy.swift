/// When the pages of an account are taken out of what children of `fork` inherit.
package enum ForkPolicy: Sendable {
    /// At each mark, with a system call, as rdma-core does. Every child is covered, also one made by a bare `clone`; each
    /// isolated range costs two more mappings.
    case eager
    /// Just before each `fork`, and back after it, in handlers of `pthread_atfork`. A mark costs no system call and splits
    /// no mapping; a child made by a bare `clone` without `CLONE_VM`, or by `_Fork`, is not covered.
    case atFork
    /// Never: marks are counted, and children inherit everything.
    case off
}
