/// What a peer wants to do to our memory.
package enum RemoteAccess: UInt8, Hashable, Sendable {
    case write
    case read
    case atomic
}
