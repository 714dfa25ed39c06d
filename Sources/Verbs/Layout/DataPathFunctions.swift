// What posting and polling are made of is inlined into programs, which do not see the headers of C: the functions of the
// adapter take untyped pointers here, and the structs they point to are laid out by the types of this folder.

/// `post_send`, `post_recv`: the queue pair, the first request, room for the one that is refused.
@usableFromInline
internal typealias PostFunction =
    @convention(c) (UnsafeMutableRawPointer, UnsafeMutableRawPointer, UnsafeMutablePointer<UnsafeMutableRawPointer?>) ->
    CInt

/// `poll_cq`: the queue, how many completions at most, room for as many.
@usableFromInline
internal typealias PollFunction = @convention(c) (UnsafeMutableRawPointer, CInt, UnsafeMutableRawPointer?) -> CInt
