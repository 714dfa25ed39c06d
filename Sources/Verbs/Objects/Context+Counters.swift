internal import SystemIO

extension Context {
    /// What the adapter counts, as pairs of a name and a number that only grows; empty when it shows nothing.
    ///
    /// Of an adapter of the machine these are the kernel's (under `/sys/class/infiniband`), by the kernel's names, such as
    /// `port_xmit_data`, for the whole machine. Of the embedded adapter they are those of this process: packets, and why some
    /// were refused; requests that were executed directly on a peer's memory; completion queues that overran.
    ///
    /// - Parameter port: From 1 on. The embedded adapter counts for all its devices together.
    public func counters(port: UInt8 = 1) -> [(name: String, value: UInt64)] {
        if let counters = unsafe self.handle.functions.counters { return unsafe counters(self.handle.raw) }
        var counters: [(name: String, value: UInt64)] = []
        for folder in ["counters", "hw_counters"] {
            let path = "/sys/class/infiniband/\(self.device.name)/ports/\(port)/\(folder)"
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
