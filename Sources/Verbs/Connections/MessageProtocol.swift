/// How messages travel on a connection.
///
/// Each side has posted `bufferCount` buffers for parts of messages, and a few for control. A part is a SEND with an immediate
/// number, which says what it is and how many of the sender's own buffers are free again; the receiver of that number may
/// send as many parts more. Who has freed half of his buffers without having anything to send says so by a SEND without
/// bytes.
internal enum MessageProtocol {
    /// Buffers for control messages: one that tells of free buffers may be under way while the next is sent, and one that
    /// says the end.
    static var controlCountMax: Int { 4 }

    /// What the immediate number of a SEND says.
    struct Label: Equatable {
        /// Buffers of the sender that are free again.
        var freedCount: Int
        var kind: Kind

        enum Kind: UInt32 {
            /// The last part of a message.
            case last = 0
            /// A part behind which more come.
            case part = 1
            /// No part of a message; tells of free buffers only.
            case control = 2
            /// No more messages come.
            case end = 3
        }

        init(_ kind: Kind, freedCount: Int) {
            self.kind = kind
            self.freedCount = freedCount
        }

        /// - Returns: nil when it is no label.
        init?(rawValue: UInt32) {
            guard let kind = Kind(rawValue: rawValue >> 30) else { return nil }
            self.kind = kind
            self.freedCount = Int(rawValue & 0x3FFF_FFFF)
        }

        var rawValue: UInt32 { self.kind.rawValue << 30 | UInt32(self.freedCount) }
    }
}
