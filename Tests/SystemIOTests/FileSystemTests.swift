import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("Files, record locks and local sockets")
struct FileSystemTests {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let folder = "/dev/shm/verbena-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try FileSystem.makePrivateDirectory(at: folder)
        defer { _ = try? Shell.run("rm", "-r", folder) }
        try body(folder)
    }

    @Test func `a directory and a file are made for their owner alone`() throws {
        try Self.withFolder { folder in
            let directory = try FileSystem.information(at: folder)
            #expect(directory.kind == .directory && directory.permissions == 0o700 && directory.ownerID == geteuid())
            #expect(throws: Errno.fileExists) { try FileSystem.makePrivateDirectory(at: folder) }
            let file = try FileSystem.openPrivateFile(at: "\(folder)/f")
            let information = try FileSystem.information(of: file.rawValue)
            #expect(information.kind == .regular && information.permissions == 0o600)
            #expect(try FileSystem.information(at: "\(folder)/f") == information)
            try FileSystem.reserve(file.rawValue, byteCount: 5000)
            #expect(try FileSystem.information(of: file.rawValue).byteCount == 5000)
            #expect(try FileSystem.names(in: folder) == ["f"])
            try FileSystem.remove("\(folder)/f")
            #expect(throws: Errno.noSuchFile) { _ = try FileSystem.openFile(at: "\(folder)/f") }
        }
    }

    @Test func `symbolic links are seen and not followed`() throws {
        try Self.withFolder { folder in
            try #require(symlink("/etc/passwd", "\(folder)/link") == 0)
            #expect(try FileSystem.information(at: "\(folder)/link").kind == .symbolicLink)
            #expect(throws: Errno(rawValue: ELOOP)) { _ = try FileSystem.openPrivateFile(at: "\(folder)/link") }
        }
    }

    @Test func `a record lock is seen by others, and freed by death`() throws {
        try Self.withFolder { folder in
            let file = try FileSystem.openPrivateFile(at: "\(folder)/f")
            #expect(try RecordLock.tryAcquire(file.rawValue, byteOffset: 3))
            let path = "\(folder)/f"
            let status = CFunctions.inChild {
                guard let own = try? FileSystem.openPrivateFile(at: path) else { return 2 }
                let isHeld = (try? RecordLock.isHeldByAnother(own.rawValue, 3...3)) == true
                let isNext = (try? RecordLock.isHeldByAnother(own.rawValue, 4...9)) == true
                let isTaken = (try? RecordLock.tryAcquire(own.rawValue, byteOffset: 3)) == true
                let isFree = (try? RecordLock.tryAcquire(own.rawValue, byteOffset: 4)) == true
                return isHeld && !isNext && !isTaken && isFree ? 0 : 1
            }
            #expect(status == 0)
            // The child's lock on byte 4 went with it, and its end did not free the parent's.
            #expect(try !RecordLock.isHeldByAnother(file.rawValue, 0...100))
            // Another library of this process has the file open by itself, and closing it frees nothing of this one's.
            do {
                let second = try FileSystem.openPrivateFile(at: path)
                #expect(try RecordLock.isHeldByAnother(second.rawValue, 3...3))
                #expect(try !RecordLock.tryAcquire(second.rawValue, byteOffset: 3))
            }
            let third = try FileSystem.openPrivateFile(at: path)
            #expect(try RecordLock.isHeldByAnother(third.rawValue, 3...3))
            RecordLock.release(file.rawValue, byteOffset: 3)
            #expect(try !RecordLock.isHeldByAnother(third.rawValue, 3...3))
        }
    }

    @Test func `a local datagram arrives whole, in two parts`() throws {
        try Self.withFolder { folder in
            let receiver = try LocalDatagramSocket(path: "\(folder)/a")
            let sender = try LocalDatagramSocket(path: "\(folder)/b")
            let payload = (0..<60_000).map { UInt8(truncatingIfNeeded: $0) }
            try [1, 2, 3, 4].withUnsafeBytes { header in
                try payload.withUnsafeBytes { try sender.send(header, $0, to: "\(folder)/a") }
            }
            var header = [Int](repeating: 0, count: 4)
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = try header.withUnsafeMutableBytes { header in
                try bytes.withUnsafeMutableBytes { try receiver.receive(header, $0) }
            }
            #expect(count == 60_032)
            #expect(header == [1, 2, 3, 4])
            #expect(Array(bytes[..<60_000]) == payload)
            let empty = try header.withUnsafeMutableBytes { header in
                try bytes.withUnsafeMutableBytes { try receiver.receive(header, $0) }
            }
            #expect(empty == nil)
        }
    }

    @Test func `nobody, a full queue and a long path are told apart`() throws {
        try Self.withFolder { folder in
            let sender = try LocalDatagramSocket(path: "\(folder)/b")
            let send = { (path: String) throws(Errno) in
                try withUnsafeBytes(of: UInt64(0)) { bytes throws(Errno) in try sender.send(bytes, bytes, to: path) }
            }
            #expect(throws: Errno.noSuchFile) { try send("\(folder)/a") }
            do { _ = try LocalDatagramSocket(path: "\(folder)/a") }
            #expect(throws: Errno(rawValue: ECONNREFUSED)) { try send("\(folder)/a") }
            let receiver = try LocalDatagramSocket(path: "\(folder)/c")
            #expect(throws: Errno.wouldBlock) { while true { try send("\(folder)/c") } }
            withExtendedLifetime(receiver) {}
            let long = folder + "/" + String(repeating: "x", count: 100)
            #expect(throws: Errno(rawValue: ENAMETOOLONG)) { _ = try LocalDatagramSocket(path: long) }
            #expect(throws: Errno.addressInUse) { _ = try LocalDatagramSocket(path: "\(folder)/c") }
        }
    }
}
