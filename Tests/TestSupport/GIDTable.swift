/// The GID table of a device as `ibv_devinfo -v` prints it.
package enum GIDTable {
    package struct Entry: Sendable {
        package var index: Int
        package var text: String
        package var type: String
    }

    /// The kinds of addresses that `NamespacePair` gives its interfaces.
    package enum Kind: String, CaseIterable, Sendable {
        case ipv4 = "IPv4"
        case ipv6 = "IPv6"
        case linkLocal = "link-local IPv6"
    }

    package static func entries(on host: NetworkNamespace) throws(TestFailure) -> [Entry] {
        let devinfo = try host.startOnVerbena(["ibv_devinfo", "-v"])
        let ending = devinfo.wait()
        guard ending == .exited(code: 0) else {
            throw TestFailure("ibv_devinfo -v failed (\(ending)): \(devinfo.output)")
        }
        return self.parse(devinfo.output)
    }

    /// The index of the address of a kind on the interface that joins the namespaces.
    package static func index(of kind: Kind, on host: NetworkNamespace) throws(TestFailure) -> Int {
        let entries = try self.entries(on: host)
        let match = entries.first { entry in
            switch kind {
            case .ipv4: entry.text.hasPrefix("::ffff:10.77.0.")
            case .ipv6: entry.text.hasPrefix("fd77::")
            case .linkLocal: entry.text.hasPrefix("fe80:")
            }
        }
        guard let match else { throw TestFailure("no GID is \(kind.rawValue) among \(entries.map(\.text))") }
        return match.index
    }

    /// Reads lines such as `GID[  1]:  ::ffff:10.77.0.2, RoCE v2`.
    private static func parse(_ output: String) -> [Entry] {
        output.split(separator: "\n").compactMap { line in
            guard let open = line.firstIndex(of: "["), let close = line.firstIndex(of: "]"),
                line[..<open].drop(while: \.isWhitespace) == "GID",
                let index = Int(line[line.index(after: open)..<close].filter { !$0.isWhitespace })
            else { return nil }
            let fields = line[close...].dropFirst(2).split(separator: ",")
            guard let text = fields.first?.filter({ !$0.isWhitespace }) else { return nil }
            let type = fields.dropFirst().first.map { String($0.drop(while: \.isWhitespace)) } ?? ""
            return Entry(index: index, text: text, type: type)
        }
    }
}
