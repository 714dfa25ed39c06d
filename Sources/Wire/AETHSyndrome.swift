/// What an acknowledge says: all well, not ready, or what went wrong.
///
/// Specified in IBTA Volume 1, section 9.7.5.1.2, table 43. Bits 6-5 choose between ACK (0), RNR NAK (1) and NAK (3);
/// bits 4-0 are the credit count, the timer or the NAK code. Bit 7 is reserved.
package enum AETHSyndrome: Hashable, Sendable {
    case ack(credits: CreditCode)
    /// Receiver not ready: wait for the timer, then send again.
    case rnrNAK(RNRTimer)
    case nak(NAKCode)
    /// A reserved value, as it was received.
    case unknown(rawValue: UInt8)

    package init(rawValue: UInt8) {
        let field = rawValue & 0x1F
        switch rawValue >> 5 {
        case 0:
            self = .ack(credits: CreditCode(truncating: field))
        case 1:
            self = .rnrNAK(RNRTimer(truncating: field))
        case 3:
            if let code = NAKCode(rawValue: field) {
                self = .nak(code)
            } else {
                self = .unknown(rawValue: rawValue)
            }
        default:
            self = .unknown(rawValue: rawValue)
        }
    }

    package var rawValue: UInt8 {
        switch self {
        case .ack(let credits): credits.rawValue
        case .rnrNAK(let timer): 0x20 | timer.rawValue
        case .nak(let code): 0x60 | code.rawValue
        case .unknown(let rawValue): rawValue
        }
    }
}
