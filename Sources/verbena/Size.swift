/// Numbers of bytes for people.
enum Size {
    /// For instance "8 MiB" or "208 KiB": the largest unit in which at least one is left, rounded down.
    static func text(_ byteCount: Int) -> String {
        let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        guard let (size, name) = units.first(where: { byteCount >= $0.0 }) else { return "\(byteCount) bytes" }
        return "\(byteCount / size) \(name)"
    }
}
