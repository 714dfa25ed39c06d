/// Why a responder refuses a request for good, or asks for it again.
///
/// Specified in IBTA Volume 1, section 9.7.5.2, table 44. Other values of the 5-bit field are reserved.
package enum NAKCode: UInt8, Hashable, Sendable {
    /// A request is missing: send again from the PSN of the NAK on.
    case psnSequenceError = 0
    case invalidRequest = 1
    case remoteAccessError = 2
    case remoteOperationalError = 3
    case invalidRDRequest = 4
}
