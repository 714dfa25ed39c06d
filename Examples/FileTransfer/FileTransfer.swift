// Sends a file to another process, with a progress bar, and compares checksums at the end.
//
//     file-transfer receive 7002 copy.bin
//     file-transfer send localhost 7002 original.bin

import Glibc
import Verbs

@main
struct FileTransfer {
    static let partByteCount = 1 << 20

    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst().filter { $0 != "--system" })
        let library = CommandLine.arguments.contains("--system") ? try VerbsLibrary.system : .embedded
        let endpoint = try Endpoint(library.device())
        let options = ConnectionOptions(bufferByteCount: 256 << 10, bufferCount: 8)
        switch arguments.isEmpty ? "" : arguments.removeFirst() {
        case "receive" where arguments.count == 2:
            let listener = try Listener(on: endpoint, port: UInt16(arguments[0]) ?? 0, options)
            print("listening on port \(listener.port)")
            try await Self.receive(listener.accept(), into: arguments[1])
        case "send" where arguments.count == 3:
            let port = UInt16(arguments[1]) ?? 0
            try await Self.send(arguments[2], over: Connection(to: arguments[0], port: port, on: endpoint, options))
        default:
            print("usage: file-transfer receive PORT FILE | file-transfer send HOST PORT FILE")
        }
    }

    /// The length comes first, then the parts, then the checksum.
    static func send(_ path: String, over connection: Connection) async throws {
        guard let file = fopen(path, "r") else { fatalError("\(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let byteCount = ftell(file)
        rewind(file)
        try await connection.send(Self.bytes(UInt64(byteCount)))
        var checksum = Checksum()
        var progress = ProgressBar(total: byteCount)
        while true {
            var part = [UInt8](repeating: 0, count: Self.partByteCount)
            let count = fread(&part, 1, part.count, file)
            guard count > 0 else { break }
            part.removeLast(part.count - count)
            checksum.add(part)
            try await connection.send(part)
            progress.advance(by: count)
        }
        try await connection.send(Self.bytes(checksum.value))
        guard try await connection.receiveText() == "right" else { fatalError("the checksums differ") }
        await connection.close()
        print("\(byteCount) bytes sent, checksum \(String(checksum.value, radix: 16))")
    }

    static func receive(_ connection: Connection, into path: String) async throws {
        guard let file = fopen(path, "w") else { fatalError("\(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        let byteCount = Self.number(try await connection.receive() ?? [])
        var checksum = Checksum()
        var count = 0
        while count < byteCount, let part = try await connection.receive() {
            checksum.add(part)
            guard fwrite(part, 1, part.count, file) == part.count else { fatalError("\(path) cannot be written") }
            count += part.count
        }
        let isRight = Self.number(try await connection.receive() ?? []) == Int(truncatingIfNeeded: checksum.value)
        try await connection.send(isRight ? "right" : "wrong")
        await connection.close()
        print("\(count) bytes received, checksum \(String(checksum.value, radix: 16)), \(isRight ? "right" : "WRONG")")
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }

    private static func number(_ bytes: [UInt8]) -> Int {
        Int(truncatingIfNeeded: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
