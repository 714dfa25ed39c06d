import TestSupport

/// The GID table of a device as `ibv_devinfo -v` prints it.
enum GIDTable {
    struct Entry {
        var index: Int
        var text: String
        var type: String
    }

    static func entries(on host: NetworkNamespace) throws -> [Entry] {
        let devinfo = try host.startOnVerbena(["ibv_devinfo", "-v"])
        let ending = devinfo.wait()
        guard ending == .exited(code: 0) else {
            throw TestFailure("ibv_devinfo -v failed (\(ending)): \(devinfo.output)")
        }
        return self.parse(devinfo.output)
    }

    /// Reads lines such as `GID[  1]:  ::ffff:10.77.0.2, RoCE v2`.
    static func parse(_ output: String) -> [Entry] {
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

    /// The index of the address of a kind on the interface that joins the namespaces.
    static func index(of address: PingPong.Address, on host: NetworkNamespace) throws -> Int {
        let entries = try self.entries(on: host)
        let match = entries.first { entry in
            switch address {
            case .ipv4: entry.text.hasPrefix("::ffff:10.77.0.")
            case .ipv6: entry.text.hasPrefix("fd77::")
            case .linkLocal: entry.text.hasPrefix("fe80:")
            }
        }
        guard let match else { throw TestFailure("no GID is \(address.rawValue) among \(entries.map(\.text))") }
        return match.index
    }
}
