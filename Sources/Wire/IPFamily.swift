/// Which internet protocol carries a RoCEv2 packet.
package enum IPFamily: Hashable, Sendable {
    case ipv4
    case ipv6
}
