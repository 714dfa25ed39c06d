internal import Synchronization

/// The account of this process for calls that take a few nanoseconds, of which the larger part would be to ask whether
/// `RegistrationAccount.shared` is there yet, to count references to it, and to fetch its type.
package enum SharedAccount {
    /// `RegistrationAccount.shared` as a pointer, once it was used; else 0.
    private static let pointer = Atomic<UInt>(0)

    /// Marks a range, or takes a mark away: `RegistrationAccount.changeRange` or, if it is `always`, whether or not fork
    /// support is on, `changeMarks`.
    ///
    /// - Returns: 0, or -1 with the error in `errno`, so that a function of C has nothing left to do.
    package static func change(address: UInt, byteCount: UInt, isMarking: Bool, always: Bool) -> CInt {
        // SAFETY: the account lives for ever.
        unsafe Self.account._withUnsafeGuaranteedRef { account in
            RegistrationAccount.change(
                account,
                address: address,
                byteCount: byteCount,
                isMarking: isMarking,
                always: always
            )
        }
    }

    @unsafe
    private static var account: Unmanaged<RegistrationAccount> {
        @inline(__always) get {
            // Pairs with the release in `findAccount`.
            guard let known = unsafe UnsafeRawPointer(bitPattern: Self.pointer.load(ordering: .acquiring)) else {
                return unsafe Self.findAccount()
            }
            return unsafe .fromOpaque(known)
        }
    }

    @inline(never)
    private static func findAccount() -> Unmanaged<RegistrationAccount> {
        let account = unsafe Unmanaged.passUnretained(RegistrationAccount.shared)
        unsafe Self.pointer.store(UInt(bitPattern: account.toOpaque()), ordering: .releasing)
        return unsafe account
    }
}
