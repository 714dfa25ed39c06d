internal import CVerbs

/// A transport service, as a type, so that what it does not have does not compile. See IBTA Volume 1, chapter 9.
public protocol QueuePairService: Sendable {
    static var serviceKind: ServiceKind { get }
}

/// A service whose queue pair has one peer.
public protocol ConnectedService: QueuePairService {}

/// Reliable connection: messages arrive once and in order; with READ and atomics.
public enum RC: ConnectedService {
    public static var serviceKind: ServiceKind { .reliableConnection }
}

/// Unreliable connection: messages arrive in order, or not at all.
public enum UC: ConnectedService {
    public static var serviceKind: ServiceKind { .unreliableConnection }
}

/// Unreliable datagram: a queue pair sends to any other. A message is one packet at most.
public enum UD: QueuePairService {
    public static var serviceKind: ServiceKind { .unreliableDatagram }
}

/// The services by name.
public enum ServiceKind: Sendable, Hashable {
    case reliableConnection, unreliableConnection, unreliableDatagram

    internal var raw: ibv_qp_type {
        switch self {
        case .reliableConnection: IBV_QPT_RC
        case .unreliableConnection: IBV_QPT_UC
        case .unreliableDatagram: IBV_QPT_UD
        }
    }
}

/// A state in which a queue pair takes receive requests. See IBTA Volume 1, section 10.3.1.
public protocol QueuePairStage: Sendable {}

/// The state INIT: receive requests may be posted; nothing arrives.
public enum Initialized: QueuePairStage {}

/// The state RTR: messages arrive.
public enum ReadyToReceive: QueuePairStage {}

/// The state RTS: messages arrive and leave.
public enum ReadyToSend: QueuePairStage {}
