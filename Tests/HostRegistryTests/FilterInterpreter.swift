import SystemIO
import TestSupport

/// Classic BPF, as far as the steering program needs it, worked out from the kernel's `networking/filter`.
enum FilterInterpreter {
    static func run(_ program: [SocketFilterInstruction], on bytes: [UInt8]) throws -> UInt32 {
        var accumulator: UInt32 = 0
        var position = 0
        while position < program.count {
            let instruction = program[position]
            position += 1
            switch instruction.code {
            case 0x20:
                let offset = Int(instruction.operand)
                guard offset + 4 <= bytes.count else { return 0 }
                accumulator = bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
            case 0x54: accumulator &= instruction.operand
            case 0x74: accumulator >>= instruction.operand
            case 0x15:
                position += Int(
                    accumulator == instruction.operand ? instruction.skipIfTrue : instruction.skipIfFalse
                )
            case 0x06: return instruction.operand
            case 0x16: return accumulator
            default: throw TestFailure("unexpected instruction \(instruction.code)")
            }
        }
        throw TestFailure("the program has no end")
    }
}
