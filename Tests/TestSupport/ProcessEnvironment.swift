import Glibc

/// The environment of the test process as the C library holds it.
enum ProcessEnvironment {
    /// The pointers to the entries, ended by null. Read once, before any test could change it.
    static var block: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        // `environ` is a mutable global, which Swift does not let pass; the dynamic loader finds it as well.
        guard let symbol = dlsym(nil, "environ") else { return nil }
        return symbol.load(as: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self)
    }
}
