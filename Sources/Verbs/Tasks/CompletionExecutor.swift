/// Where completions are taken from their queue and waiting tasks are resumed: an event loop, for example.
///
/// What ends while a task polls for it, which tasks do for some microseconds before they sleep, is taken there and then.
///
/// Without one, the one thread that waits for the completion channels of the process does it.
public protocol CompletionExecutor: Sendable {
    /// Runs a job soon, once, and jobs in the order in which they came.
    func run(_ job: @escaping @Sendable () -> Void)
}
