import Transport
import Wire

/// What parses as a message of connection management must encode to what parses to the same, and what answers it must be
/// neither longer nor answered itself.
enum FuzzedCM {
    static func run(_ bytes: [UInt8]) {
        self.datagram(bytes)
        // As long as a datagram is, so that the length does not end every attempt.
        let count = CM.Datagram.byteCount
        if bytes.count != count {
            self.datagram(bytes.prefix(count) + [UInt8](repeating: 0, count: max(count - bytes.count, 0)))
        }
        self.ipHeader(bytes.span.bytes)
    }

    private static func datagram(_ bytes: [UInt8]) {
        guard let datagram = try? CM.Datagram(parsing: bytes.span.bytes) else { return }
        self.expectSame(datagram)
        switch datagram.message {
        case .req(let request): self.ipHeader(request.privateData.bytes)
        case .sidrReq(let request): self.ipHeader(request.privateData.bytes)
        case .mra, .rej, .rep, .rtu, .dreq, .drep, .sidrRep: break
        }
        guard let answer = ConnectionRefusal.answer(to: datagram) else { return }
        self.expectSame(answer)
        precondition(answer.transactionID == datagram.transactionID, "an answer to something else")
        precondition(ConnectionRefusal.answer(to: answer) == nil, "an answer that is answered")
    }

    private static func expectSame(_ datagram: CM.Datagram) {
        var copy = [UInt8](repeating: 0xA5, count: CM.Datagram.byteCount)
        self.withMutableBytes(of: &copy) { datagram.encode(into: &$0) }
        guard let again = try? CM.Datagram(parsing: copy.span.bytes) else {
            preconditionFailure("what was encoded does not parse")
        }
        precondition(again == datagram, "what was encoded parses to something else")
    }

    private static func ipHeader(_ span: RawSpan) {
        guard let header = try? IPCMHeader(parsing: span) else { return }
        var copy = [UInt8](repeating: 0xA5, count: IPCMHeader.byteCount)
        self.withMutableBytes(of: &copy) { header.encode(into: &$0) }
        guard let again = try? IPCMHeader(parsing: copy.span.bytes) else {
            preconditionFailure("what was encoded does not parse")
        }
        precondition(again == header, "what was encoded parses to something else")
    }

    private static func withMutableBytes(of bytes: inout [UInt8], _ body: (inout MutableRawSpan) -> Void) {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        body(&raw)
    }
}
