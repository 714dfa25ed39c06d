/// Reads the text of /proc/PID/smaps byte by byte. See proc(5).
///
/// A mapping's paragraph begins with a line `from-to perms …` and ends with the line `VmFlags:`; lines that are of no
/// interest, and what a later kernel may add between these, are passed over.
internal struct SmapsParser {
    private enum Line {
        case unknown
        case range
        case permissions
        case pageSize
        case flags
        case ignored
    }

    private var line = Line.unknown
    private var column = 0
    private var number: UInt = 0
    /// The last eight bytes of the line, the latest one lowest.
    private var recent: UInt64 = 0
    private var mapping = MemoryMapping(
        lowerBound: 0,
        upperBound: 0,
        pageByteCount: 0,
        isWritable: false,
        isPrivate: false,
        isLeftOutOfChildren: false
    )

    internal init() {}

    /// Takes the next byte of the text. Returns a mapping when its paragraph is complete.
    internal mutating func next(_ byte: UInt8) -> MemoryMapping? {
        if byte == UInt8(ascii: "\n") {
            let isComplete = self.line == .flags
            if isComplete { self.takeFlag(endedBy: byte) }
            let mapping = self.mapping
            self.line = .unknown
            self.column = 0
            self.number = 0
            self.recent = 0
            return isComplete ? mapping : nil
        }
        switch self.line {
        case .unknown: self.recognise(byte)
        case .range: self.readRange(byte)
        case .permissions: self.readPermissions(byte)
        case .pageSize:
            if let digit = DecimalDigit(byte) { self.number = self.number &* 10 &+ UInt(digit.value) }
            self.mapping.pageByteCount = self.number &* 1024
        case .flags: self.takeFlag(endedBy: byte)
        case .ignored: break
        }
        self.column += 1
        self.recent = self.recent << 8 | UInt64(byte)
        return nil
    }

    /// Lines of numbers begin with a capital letter and a name, a mapping with a hexadecimal digit in lower case.
    private mutating func recognise(_ byte: UInt8) {
        if let digit = Self.hexadecimal(byte) {
            self.number = self.number << 4 | digit
        } else if byte == UInt8(ascii: "-"), self.column > 0 {
            self.mapping.lowerBound = self.number
            self.number = 0
            self.line = .range
        } else if byte == UInt8(ascii: ":") {
            switch self.recent {
            case Self.lastBytes(of: "PageSize"):
                // "KernelPageSize" has 14 letters; "MMUPageSize", which follows, has 11.
                self.line = self.column == 14 ? .pageSize : .ignored
            case Self.lastBytes(of: "VmFlags"): self.line = .flags
            default: self.line = .ignored
            }
            self.number = 0
        }
    }

    private mutating func readRange(_ byte: UInt8) {
        if let digit = Self.hexadecimal(byte) {
            self.number = self.number << 4 | digit
        } else {
            self.mapping.upperBound = self.number
            self.mapping.pageByteCount = 0
            self.mapping.isLeftOutOfChildren = false
            self.column = -1
            self.line = .permissions
        }
    }

    private mutating func readPermissions(_ byte: UInt8) {
        switch self.column {
        case 1: self.mapping.isWritable = byte == UInt8(ascii: "w")
        case 3: self.mapping.isPrivate = byte == UInt8(ascii: "p")
        case 4: self.line = .ignored
        default: break
        }
    }

    private mutating func takeFlag(endedBy byte: UInt8) {
        let isSeparator = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n")
        if isSeparator, self.recent & 0xFFFFFF == Self.lastBytes(of: " dc") { self.mapping.isLeftOutOfChildren = true }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt(byte - UInt8(ascii: "a")) + 10
        default: nil
        }
    }

    private static func lastBytes(of text: StaticString) -> UInt64 {
        var bytes: UInt64 = 0
        for offset in 0..<text.utf8CodeUnitCount {
            // SAFETY: the offset is below the length of the string.
            bytes = unsafe bytes << 8 | UInt64(text.utf8Start[offset])
        }
        return bytes
    }
}
