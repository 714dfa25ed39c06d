import TestSupport
import Testing

/// What the dynamic linker sees of the library.
struct SymbolTests {
    private static let library = Project.libraries + "/libibverbs.so.1"
    private static let list = Project.root + "/Tests/ABITests/symbols-libibverbs.txt"

    /// "symbol version" of everything that the library defines for others.
    private func exportedSymbols() throws -> Set<String> {
        try Project.requireBuild()
        var symbols: Set<String> = []
        for line in try Shell.run("objdump", "-T", Self.library).split(separator: "\n") {
            // "address flags section size version [.visibility] name"
            let fields = line.split(separator: " ").filter { $0 != ".protected" }
            guard fields.count >= 5, !fields.contains("*UND*"), !fields.contains("*ABS*"), fields[1] == "g" else {
                continue
            }
            let version = fields[fields.count - 2].filter { $0 != "(" && $0 != ")" }
            let name = fields[fields.count - 1]
            // Version nodes appear as symbols of their own name.
            if name != version { symbols.insert("\(name) \(version)") }
        }
        return symbols
    }

    private func listedSymbols() throws -> Set<String> {
        let lines = try Shell.run("cat", Self.list).split(separator: "\n")
        return Set(lines.filter { !$0.hasPrefix("#") }.map(String.init))
    }

    @Test func `the library exports what the list names, and nothing else`() throws {
        let exported = try self.exportedSymbols()
        let listed = try self.listedSymbols()
        #expect(exported.subtracting(listed) == [])
        #expect(listed.subtracting(exported) == [])
    }

    @Test func `every symbol of Debian's library is in the list`() throws {
        let listed = try self.listedSymbols()
        // Compatibility doubles are in the list once, under their newest version.
        for symbol in [
            "ibv_open_device IBVERBS_1.1", "ibv_reg_mr IBVERBS_1.1", "ibv_query_gid_type IBVERBS_PRIVATE_34",
        ] {
            #expect(listed.contains(symbol))
        }
        #expect(listed.count { $0.hasSuffix(" IBVERBS_PRIVATE_34") } == 71)
        #expect(listed.count { $0.contains(" IBVERBS_1.") } == 76)
    }

    @Test func `no Swift symbol leaks out of the library`() throws {
        let leaks = try self.exportedSymbols().filter { $0.hasPrefix("$s") || $0.contains("swift") }
        #expect(leaks == [])
    }

    @Test func `the library needs nothing that a user would have to install`() throws {
        try Project.requireBuild()
        let dynamic = try Shell.run("objdump", "-p", Self.library).split(separator: "\n")
        let needed = dynamic.filter { $0.contains("NEEDED") }.compactMap {
            $0.split(separator: " ").last.map(String.init)
        }
        let known: Set = [
            "libisal.so.2", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2",
        ]
        #expect(Set(needed).subtracting(known) == [])
        #expect(dynamic.contains { $0.contains("SONAME") && $0.contains("libibverbs.so.1") })
        #expect(dynamic.contains { $0.contains("FLAGS_1") && $0.hasSuffix("09") }, "not NOW and NODELETE")
    }

    @Test func `the linker's map is the one that the list makes`() throws {
        let made = try Shell.run(
            "sh",
            "-c",
            "cd '\(Project.root)' && scripts/make-symbol-map Tests/ABITests/symbols-libibverbs.txt"
        )
        let kept = try Shell.run("cat", "\(Project.root)/Sources/VerbsABI/libibverbs.map")
        #expect(made == kept, "run scripts/make-symbol-map")
    }
}
