internal import Glibc

/// A shared library that the dynamic loader has mapped. It stays for the life of the process: adapters have threads in it.
@safe
internal struct LoadedLibrary {
    let path: String
    // SAFETY: a handle of dlopen(3) that is never closed.
    private let handle: UnsafeMutableRawPointer

    /// Loads a library.
    ///
    /// Its own functions come first for it: the program has functions of the same names when Verbena's adapter is embedded.
    ///
    /// - Parameter path: A path, or a name that the loader looks up.
    /// - Throws: ``VerbsError/Code/libraryUnusable``, with the loader's words.
    init(_ path: String) throws(VerbsError) {
        // SAFETY: the loader runs the library's initialisers, which is what the caller asks for.
        guard let handle = unsafe dlopen(path, RTLD_NOW | Self.deepBind) else {
            throw VerbsError(
                .libraryUnusable,
                operation: "dlopen",
                detail: "\(Self.reason). Install rdma-core (Debian: `apt-get install libibverbs1 ibverbs-providers`), "
                    + "name another library with VerbsLibrary.at(_:), or use VerbsLibrary.embedded, which needs nothing"
            )
        }
        self.path = path
        unsafe self.handle = unsafe handle
    }

    /// A function of the library.
    ///
    /// - Throws: ``VerbsError/Code/libraryUnusable`` when it is missing.
    @unsafe
    func function<Function>(_ name: String, as type: Function.Type = Function.self) throws(VerbsError) -> Function {
        guard let symbol = unsafe dlsym(self.handle, name) else {
            throw VerbsError(
                .libraryUnusable,
                operation: "dlsym",
                detail: "\(self.path) has no function \(name): it is not a libibverbs.so.1"
            )
        }
        // SAFETY: the caller names the C type that `verbs.h` gives the function.
        return unsafe unsafeBitCast(symbol, to: type)
    }

    /// `RTLD_DEEPBIND`, which the C library's header hides from Swift.
    private static var deepBind: CInt { 0x8 }

    private static var reason: String {
        // SAFETY: the text belongs to the thread and is copied at once.
        guard let text = unsafe dlerror() else { return "the loader gives no reason" }
        return unsafe String(cString: text)
    }
}

// SAFETY: the loader may be called from any thread.
extension LoadedLibrary: @unchecked Sendable {}
