import CShims

/// One instruction of a classic BPF program, as the kernel takes it. See the kernel's `networking/filter`.
///
/// Only what a program needs that picks a socket by the bytes of a datagram.
package struct SocketFilterInstruction: Hashable, Sendable {
    package let code: UInt16
    /// Instructions to skip when a comparison holds.
    package let skipIfTrue: UInt8
    /// Instructions to skip when it does not hold.
    package let skipIfFalse: UInt8
    package let operand: UInt32

    private init(_ code: Int32, skipIfTrue: UInt8 = 0, skipIfFalse: UInt8 = 0, operand: UInt32 = 0) {
        self.code = UInt16(code)
        self.skipIfTrue = skipIfTrue
        self.skipIfFalse = skipIfFalse
        self.operand = operand
    }

    internal var filter: sock_filter {
        sock_filter(code: self.code, jt: self.skipIfTrue, jf: self.skipIfFalse, k: self.operand)
    }
}

extension SocketFilterInstruction {
    /// Loads four bytes in network byte order. A datagram that is too short ends the program with the answer 0.
    package static func loadWord(at byteOffset: UInt32) -> Self {
        Self(BPF_LD | BPF_W | BPF_ABS, operand: byteOffset)
    }

    package static func and(_ mask: UInt32) -> Self {
        Self(BPF_ALU | BPF_AND | BPF_K, operand: mask)
    }

    package static func shiftRight(by bitCount: UInt32) -> Self {
        Self(BPF_ALU | BPF_RSH | BPF_K, operand: bitCount)
    }

    package static func compareEqual(to operand: UInt32, skipIfTrue: UInt8, skipIfFalse: UInt8) -> Self {
        Self(BPF_JMP | BPF_JEQ | BPF_K, skipIfTrue: skipIfTrue, skipIfFalse: skipIfFalse, operand: operand)
    }

    package static func compareGreater(than operand: UInt32, skipIfTrue: UInt8, skipIfFalse: UInt8) -> Self {
        Self(BPF_JMP | BPF_JGT | BPF_K, skipIfTrue: skipIfTrue, skipIfFalse: skipIfFalse, operand: operand)
    }

    /// Skips `count` instructions.
    package static func skip(_ count: UInt32) -> Self { Self(BPF_JMP | BPF_JA, operand: count) }

    /// Ends with `value` as the answer.
    package static func answer(_ value: UInt32) -> Self { Self(BPF_RET | BPF_K, operand: value) }

    /// Ends with what was loaded as the answer.
    package static var answerLoaded: Self { Self(BPF_RET | BPF_A) }
}
