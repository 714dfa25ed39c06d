internal import Glibc
internal import SystemIO

/// Memory for the structs that C programs see. It starts as zeros, so that fields which nobody set read as nothing.
internal enum CMemory {
    /// - Parameter trailingByteCount: How much room to leave behind the struct, zeros too.
    /// - Throws: `ENOMEM`.
    internal static func allocate<Object>(
        _ type: Object.Type = Object.self,
        trailingByteCount: Int = 0
    ) throws(Errno) -> UnsafeMutablePointer<Object> {
        // SAFETY: calloc aligns for every C type, and all zeros are a valid value of a C struct whose pointers and
        // references are optional, which those of this module are.
        guard let memory = unsafe calloc(1, MemoryLayout<Object>.size + trailingByteCount) else { throw .noMemory }
        return unsafe memory.bindMemory(to: Object.self, capacity: 1)
    }

    /// Frees what `allocate` returned.
    internal static func free(_ memory: UnsafeMutableRawPointer) {
        unsafe Glibc.free(memory)
    }

    /// Copies a string into a field of the type `char[N]`, cut to fit, with a zero byte at its end.
    internal static func write<Field: BitwiseCopyable>(_ text: String, into field: inout Field) {
        unsafe withUnsafeMutableBytes(of: &field) { bytes in
            // SAFETY: indices stay below the field's own size.
            var end = 0
            for byte in text.utf8 where end < bytes.count - 1 {
                unsafe bytes[end] = byte
                end += 1
            }
            unsafe bytes[end] = 0
        }
    }
}
