import CShims

/// The environment variables of the process.
///
/// A program that runs with more rights than its caller (setuid) sees none: the caller must not steer it. See
/// secure_getenv(3).
package enum Environment {
    /// The value of the variable `name`, or `nil` if it is not set.
    package static func value(of name: String) -> String? {
        // SAFETY: the C string is copied before anything can change the environment here.
        guard let value = unsafe cshims_secure_getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
