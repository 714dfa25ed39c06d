import CShims
import Glibc

/// The symbol table in the file of an image, which also names the functions that the loader need not know: those of a
/// program, and static ones. See elf(5). Reads 64-bit files of the machine's own byte order; a stripped file has none.
internal enum SymbolTable {
    /// The function that holds `address`, which belongs to the image in the file at `path`.
    internal static func function(
        at address: UInt,
        imageBase: UInt,
        path: String
    ) -> (name: String, byteOffset: UInt)? {
        // The loader calls the program by the name it was started with, which may be relative to another folder.
        let path = imageBase == CodeLocation.programBase ? "/proc/self/exe" : path
        guard let file = MappedFile(path: path) else { return nil }
        // SAFETY: the bytes are used during the call only.
        return unsafe file.bytes.withUnsafeBytes { unsafe Self.find(address, imageBase, in: ELFFile(bytes: $0)) }
    }

    private static func find(_ address: UInt, _ imageBase: UInt, in file: ELFFile) -> (name: String, byteOffset: UInt)?
    {
        guard let (table, names) = unsafe file.symbolTable else { return nil }
        // The addresses of a position-independent file begin at 0, those of another are final.
        let target = unsafe UInt64(file.isPositionIndependent ? address - imageBase : address)
        var best: (name: UInt64, start: UInt64)?
        let symbolByteCount: UInt64 = 24
        for offset in stride(from: table.offset, to: table.offset &+ table.byteCount, by: Int(symbolByteCount)) {
            // The low four bits of the fifth byte are the type; 2 is a function.
            guard let info = unsafe file.integer(UInt8.self, at: offset + 4), info & 15 == 2,
                let start = unsafe file.integer(UInt64.self, at: offset + 8), start <= target,
                start >= best?.start ?? 0,
                let byteCount = unsafe file.integer(UInt64.self, at: offset + 16), target - start < max(byteCount, 1),
                let name = unsafe file.integer(UInt32.self, at: offset)
            else { continue }
            best = (UInt64(name), start)
        }
        guard let best, let name = unsafe file.string(at: names.offset &+ best.name) else { return nil }
        return (name, UInt(target - best.start))
    }
}

/// Bytes laid out as an ELF file. Any byte may be wrong: reading beyond the end gives nil.
@unsafe
private struct ELFFile {
    // SAFETY: valid while the file is mapped, which its user sees to.
    let bytes: UnsafeRawBufferPointer

    struct Section {
        var offset: UInt64
        var byteCount: UInt64
    }

    func integer<Integer: FixedWidthInteger & BitwiseCopyable>(_ type: Integer.Type, at offset: UInt64) -> Integer? {
        guard let start = Int(exactly: offset), unsafe start <= self.bytes.count - MemoryLayout<Integer>.size else {
            return nil
        }
        return unsafe self.bytes.loadUnaligned(fromByteOffset: start, as: Integer.self)
    }

    func string(at offset: UInt64) -> String? {
        guard let start = Int(exactly: offset), unsafe start < self.bytes.count else { return nil }
        let tail = unsafe self.bytes[start...]
        return unsafe String(decoding: tail.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Type 3 is a shared object, and a position-independent program.
    var isPositionIndependent: Bool { unsafe self.integer(UInt16.self, at: 16) == 3 }

    /// The section of symbols (type 2) and that of their names, which it links to.
    var symbolTable: (Section, Section)? {
        guard unsafe self.integer(UInt32.self, at: 0) == 0x464C_457F, unsafe self.integer(UInt8.self, at: 4) == 2,
            let first = unsafe self.integer(UInt64.self, at: 40),
            let entryByteCount = unsafe self.integer(UInt16.self, at: 58),
            let count = unsafe self.integer(UInt16.self, at: 60)
        else { return nil }
        for index in 0..<UInt64(count) {
            let header = first &+ index * UInt64(entryByteCount)
            guard unsafe self.integer(UInt32.self, at: header &+ 4) == 2 else { continue }
            guard let link = unsafe self.integer(UInt32.self, at: header &+ 40),
                let table = unsafe self.section(at: header),
                let names = unsafe self.section(at: first &+ UInt64(link) * UInt64(entryByteCount))
            else { return nil }
            return (table, names)
        }
        return nil
    }

    private func section(at header: UInt64) -> Section? {
        guard let offset = unsafe self.integer(UInt64.self, at: header &+ 24),
            let byteCount = unsafe self.integer(UInt64.self, at: header &+ 32),
            unsafe byteCount <= UInt64(self.bytes.count)
        else { return nil }
        return Section(offset: offset, byteCount: byteCount)
    }
}
