/// A host of a simulation: its queue pairs, and whether it runs.
struct SimulatedMachine {
    enum State {
        case running
        /// Like a process that was stopped: what arrives waits in its socket.
        case paused
        /// Its queue pairs are gone.
        case dead
    }

    /// Packets that a socket holds for a process that does not run.
    static var heldMax: Int { 40 }

    var state = State.running
    let arena: AtomicArena
    /// Where its queue pairs take receive requests from, unless each has a queue of its own.
    let receives: SharedReceives?
    /// What shall happen to it when it runs again.
    var held: [RCSimulation.Event] = []
    /// Counts deaths, so that what was planned for one life does not happen in the next.
    var life = 0
}
