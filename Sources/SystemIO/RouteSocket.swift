import CShims
import Glibc

/// A netlink socket that asks the kernel for lists of interfaces and addresses. See rtnetlink(7).
///
/// It asks about the namespace of the calling thread, also where `/sys` shows another.
@safe
internal struct RouteSocket: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// Bytes of one answer, as the kernel recommends them.
    private static var answerByteCountMax: Int { 32_768 }
    /// Every netlink part begins at a multiple of this.
    private static var alignment: Int { 4 }

    init() throws(Errno) {
        let type = CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        self.descriptor = OwnedDescriptor(
            takingOver: try checkingErrno { socket(AF_NETLINK, type, CInt(NETLINK_ROUTE)) }
        )
    }

    /// One attribute of a message: its type, and its bytes.
    struct Attribute {
        var type: UInt16
        var value: [UInt8]
    }

    /// One message of an answer: the fixed part, and the attributes behind it.
    struct Message {
        var type: UInt16
        var fixed: [UInt8]
        var attributes: [Attribute]

        /// The attribute's bytes, or `nil` if the message has none of the type.
        func attribute(_ type: Int) -> [UInt8]? {
            self.attributes.first { Int($0.type) == type }?.value
        }
    }

    /// Asks for the whole list that `request` names (`RTM_GETLINK` or `RTM_GETADDR`).
    ///
    /// - Parameter fixedByteCount: Size of the fixed part of the question and of each answer.
    func list(request: Int, fixedByteCount: Int) throws(Errno) -> [Message] {
        try self.ask(request: request, fixedByteCount: fixedByteCount)
        var messages: [Message] = []
        while true {
            let answer = try self.receive()
            var rest = answer[...]
            while rest.count >= MemoryLayout<nlmsghdr>.size {
                let header = unsafe rest.load(nlmsghdr.self)
                let byteCount = Int(header.nlmsg_len)
                guard byteCount >= MemoryLayout<nlmsghdr>.size, byteCount <= rest.count else { throw .ioError }
                let body = rest.prefix(byteCount).dropFirst(MemoryLayout<nlmsghdr>.size)
                switch CInt(header.nlmsg_type) {
                case NLMSG_DONE: return messages
                case NLMSG_ERROR: throw Errno(rawValue: body.count >= 4 ? -(unsafe body.load(CInt.self)) : EIO)
                default: messages.append(Self.parse(body, type: header.nlmsg_type, fixedByteCount: fixedByteCount))
                }
                rest = rest.dropFirst(Self.aligned(byteCount))
            }
        }
    }

    private func ask(request: Int, fixedByteCount: Int) throws(Errno) {
        var header = nlmsghdr()
        header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size + fixedByteCount)
        header.nlmsg_type = UInt16(request)
        header.nlmsg_flags = UInt16(NLM_F_REQUEST | NLM_F_DUMP)
        // SAFETY: an nlmsghdr is plain numbers. The fixed part is zeros: any family, any interface.
        let question = unsafe withUnsafeBytes(of: header) { unsafe [UInt8]($0) }
        let bytes = question + [UInt8](repeating: 0, count: fixedByteCount)
        try checkingErrno {
            unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(self.descriptor.rawValue, $0.baseAddress, $0.count, 0)
            }
        }
    }

    private func receive() throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.answerByteCountMax)
        let count = try checkingErrno {
            // SAFETY: the kernel writes into the array, up to its size.
            unsafe bytes.withUnsafeMutableBytes {
                unsafe recv(self.descriptor.rawValue, $0.baseAddress, $0.count, 0)
            }
        }
        // The kernel ends every list; an empty answer would otherwise be waited for again without end.
        guard count > 0 else { throw .ioError }
        return [UInt8](bytes[..<count])
    }

    private static func parse(_ body: ArraySlice<UInt8>, type: UInt16, fixedByteCount: Int) -> Message {
        var message = Message(type: type, fixed: [UInt8](body.prefix(fixedByteCount)), attributes: [])
        var rest = body.dropFirst(self.aligned(fixedByteCount))
        while rest.count >= MemoryLayout<rtattr>.size {
            let header = unsafe rest.load(rtattr.self)
            let byteCount = Int(header.rta_len)
            guard byteCount >= MemoryLayout<rtattr>.size, byteCount <= rest.count else { break }
            let value = rest.prefix(byteCount).dropFirst(MemoryLayout<rtattr>.size)
            message.attributes.append(Attribute(type: header.rta_type, value: [UInt8](value)))
            rest = rest.dropFirst(self.aligned(byteCount))
        }
        return message
    }

    private static func aligned(_ byteCount: Int) -> Int {
        (byteCount + self.alignment - 1) & ~(self.alignment - 1)
    }
}

extension Collection<UInt8> {
    /// Reads a plain C structure from the first bytes, of which there must be enough.
    @unsafe
    internal func load<Value>(_ type: Value.Type) -> Value {
        precondition(self.count >= MemoryLayout<Value>.size, "too few bytes for the structure")
        // SAFETY: there are enough bytes, and the caller names a structure of plain numbers.
        return unsafe [UInt8](self.prefix(MemoryLayout<Value>.size)).withUnsafeBytes {
            unsafe $0.loadUnaligned(as: Value.self)
        }
    }
}
