internal import SystemIO

extension Device {
    /// The counters that the kernel shows of an adapter's port, by the kernel's names, such as `port_xmit_data`.
    ///
    /// They lie under `/sys/class/infiniband`. The embedded adapter has no entry there, and so none.
    ///
    /// - Parameter port: From 1 on.
    public func counters(port: UInt8 = 1) -> [(name: String, value: UInt64)] {
        var counters: [(name: String, value: UInt64)] = []
        for folder in ["counters", "hw_counters"] {
            let path = "/sys/class/infiniband/\(self.name)/ports/\(port)/\(folder)"
            for name in ((try? FileSystem.names(in: path)) ?? []).sorted() {
                guard let text = try? TextFile.read("\(path)/\(name)", byteCountMax: 64),
                    let value = UInt64(text.prefix { $0.isNumber })
                else { continue }
                counters.append((name, value))
            }
        }
        return counters
    }
}
