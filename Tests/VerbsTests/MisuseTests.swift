import TestSupport
import Testing

/// A way to use the API that must not compile, beside one that differs from it in a few words and does.
struct Misuse: Sendable, CustomTestStringConvertible {
    let name: String
    let wrong: String
    let right: String
    /// What the compiler says of the wrong one.
    let diagnostic: String

    var testDescription: String { self.name }
}

@Suite("Misuse that does not compile")
struct MisuseTests {
    /// What every snippet has at hand.
    private static let parameters = """
        _ context: borrowing Context,
        _ domain: borrowing ProtectionDomain,
        _ queue: borrowing CompletionQueue,
        _ fresh: consuming QueuePair<RC, Initialized>,
        _ pair: borrowing QueuePair<RC, ReadyToSend>,
        _ unreliable: borrowing QueuePair<UC, ReadyToSend>,
        _ datagrams: borrowing QueuePair<UD, ReadyToSend>,
        _ region: borrowing MemoryRegion,
        _ remote: RemoteRegion,
        _ peer: QueuePairAddress
        """

    private static let cases: [Misuse] = [
        Misuse(
            name: "posting on a queue pair that is not connected",
            wrong: "try fresh.post(.send(region[0..<8]))",
            right: "try fresh.connect(to: peer).post(.send(region[0..<8]))",
            diagnostic: "requires the types 'Initialized' and 'ReadyToSend' be equivalent"
        ),
        Misuse(
            name: "using a queue pair that has become another",
            wrong: "let one = try fresh.connect(to: peer); _ = fresh.qpn; _ = one.qpn",
            right: "_ = fresh.qpn; let one = try fresh.connect(to: peer); _ = one.qpn",
            diagnostic: "'fresh' used after consume"
        ),
        Misuse(
            name: "using a region after its end",
            wrong: "let own = try MemoryRegion(byteCount: 8, in: domain); try own.close(); own.store(1, at: 0)",
            right: "let own = try MemoryRegion(byteCount: 8, in: domain); own.store(1, at: 0); try own.close()",
            diagnostic: "'own' used after consume"
        ),
        Misuse(
            name: "keeping a part of a region beyond its end",
            wrong: """
                var kept: RegionSlice<ReadWrite>
                do { let own = try MemoryRegion(byteCount: 8, in: domain); kept = own[0..<8] }
                try pair.post(.send(kept))
                """,
            right: """
                var kept: RegionSlice<ReadWrite>
                let own = try MemoryRegion(byteCount: 8, in: domain); kept = own[0..<8]
                try pair.post(.send(kept))
                """,
            diagnostic: "lifetime-dependent"
        ),
        Misuse(
            name: "receiving into memory without local write access",
            wrong:
                "let bytes = [1, 2]; let own = try BorrowedRegion(bytes.span.bytes, in: domain); try pair.postReceive(into: own.all)",
            right:
                "let bytes = [1, 2]; let own = try BorrowedRegion(bytes.span.bytes, in: domain); try pair.post(.send(own.all))",
            diagnostic: "RegionSlice<ReadOnly>"
        ),
        Misuse(
            name: "reading into memory without local write access",
            wrong:
                "let bytes = [1, 2]; let own = try BorrowedRegion(bytes.span.bytes, in: domain); try pair.post(.read(into: own.all, from: remote))",
            right:
                "let bytes = [1, 2]; let own = try BorrowedRegion(bytes.span.bytes, in: domain); try pair.post(.write(own.all, to: remote))",
            diagnostic: "RegionSlice<ReadOnly>"
        ),
        Misuse(
            name: "sending memory that is not local",
            wrong: "try pair.post(.send(remote[0..<8]))",
            right: "try pair.post(.send(region[0..<8]))",
            diagnostic: "cannot convert value of type 'RemoteRegion'"
        ),
        Misuse(
            name: "sending memory that is not registered",
            wrong: "let bytes: [UInt8] = [1, 2]; try pair.post(.send(bytes.span.bytes))",
            right: """
                let bytes: [UInt8] = [1, 2]
                let own = try BorrowedRegion(bytes.span.bytes, in: domain)
                try pair.post(.send(own.all))
                """,
            diagnostic: "cannot convert value of type 'RawSpan'"
        ),
        Misuse(
            name: "changing memory while it is registered as borrowed",
            wrong: """
                var bytes: [UInt8] = [1, 2]
                let own = try BorrowedRegion(bytes.span.bytes, in: domain)
                bytes.append(3)
                try pair.post(.send(own.all))
                """,
            right: """
                var bytes: [UInt8] = [1, 2]
                bytes.append(3)
                let own = try BorrowedRegion(bytes.span.bytes, in: domain)
                try pair.post(.send(own.all))
                """,
            diagnostic: "overlapping accesses to 'bytes'"
        ),
        Misuse(
            name: "READ on an unreliable connection",
            wrong: "try unreliable.post(.read(into: region[0..<8], from: remote))",
            right: "try pair.post(.read(into: region[0..<8], from: remote))",
            diagnostic: "has no member 'read'"
        ),
        Misuse(
            name: "a datagram without an address",
            wrong: "try datagrams.post(.send(region[0..<8]))",
            right: """
                let address = try AddressHandle(to: peer.gid, in: domain)
                try datagrams.post(.send(region[0..<8], to: address, qpn: peer.qpn, qKey: QKey(rawValue: 1)))
                """,
            diagnostic: "error:"
        ),
        Misuse(
            name: "two owners of one object",
            wrong: "let own = try ProtectionDomain(on: context); let other = own; try own.close(); try other.close()",
            right: "let own = try ProtectionDomain(on: context); let other = own; try other.close()",
            diagnostic: "'own' consumed more than once"
        ),
        Misuse(
            name: "binding a window to memory that is borrowed",
            wrong: """
                let bytes = [1, 2]; let own = try BorrowedRegion(bytes.span.bytes, in: domain)
                let window = try MemoryWindow<WindowType1>(in: domain)
                _ = try pair.bind(window, to: own, 0..<8, remoteAccess: [.read])
                """,
            right: """
                let window = try MemoryWindow<WindowType1>(in: domain)
                _ = try pair.bind(window, to: region, 0..<8, remoteAccess: [.read])
                """,
            diagnostic: "cannot convert value of type 'BorrowedRegion<ReadOnly>'"
        ),
        Misuse(
            name: "binding a window of type 1 by a work request of a batch",
            wrong: """
                let window = try MemoryWindow<WindowType1>(in: domain)
                var batch = SendBatch<RC>(capacity: 1)
                _ = try batch.bind(window, to: region, 0..<8, remoteAccess: [.read])
                """,
            right: """
                let window = try MemoryWindow<WindowType2>(in: domain)
                var batch = SendBatch<RC>(capacity: 1)
                _ = try batch.bind(window, to: region, 0..<8, remoteAccess: [.read])
                """,
            diagnostic: "WindowType1"
        ),
        Misuse(
            name: "using a window after its end",
            wrong: """
                let window = try MemoryWindow<WindowType1>(in: domain)
                try window.close()
                try pair.unbind(window)
                """,
            right: """
                let window = try MemoryWindow<WindowType1>(in: domain)
                try pair.unbind(window)
                try window.close()
                """,
            diagnostic: "'window' used after consume"
        ),
        Misuse(
            name: "binding a window over datagrams",
            wrong: """
                let window = try MemoryWindow<WindowType1>(in: domain)
                _ = try datagrams.bind(window, to: region, 0..<8, remoteAccess: [.read])
                """,
            right: """
                let window = try MemoryWindow<WindowType1>(in: domain)
                _ = try pair.bind(window, to: region, 0..<8, remoteAccess: [.read])
                """,
            diagnostic: "ConnectedService"
        ),
        Misuse(
            name: "connecting a queue pair for datagrams",
            wrong:
                "try QueuePair<UD, Initialized>(in: domain, completions: queue, qKey: QKey(rawValue: 1)).connect(to: peer).close()",
            right:
                "try QueuePair<UD, Initialized>(in: domain, completions: queue, qKey: QKey(rawValue: 1)).activate().close()",
            diagnostic: "ConnectedService"
        ),
    ]

    private static func source(_ body: String) -> String {
        "import Verbs\nfunc use(\n\(self.parameters)\n) throws {\n\(body)\n}\n"
    }

    @Test(arguments: cases)
    func `what must not compile does not, and says why`(misuse: Misuse) throws {
        let said = try SnippetCompiler.diagnostics([("wrong.swift", Self.source(misuse.wrong))])
        #expect(said.contains("error:") && said.contains(misuse.diagnostic), "\(said)")
    }

    /// In one module, so that the compiler starts once.
    @Test func `what differs from it in a few words compiles`() throws {
        let files = Self.cases.enumerated().map { index, misuse in
            ("right\(index).swift", Self.source(misuse.right).replacing("func use(", with: "func use\(index)("))
        }
        let said = try SnippetCompiler.diagnostics(files)
        #expect(!said.contains("error:"), "\(said)")
    }
}
