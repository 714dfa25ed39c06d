import SystemIO

/// Keeps a range registered: out of forked children, and pinned if the account pins. Made by
/// `RegistrationAccount.register`, released exactly once: by `release`, or when the value is destroyed.
///
/// Two values over the same bytes have lives of their own. In a forked child, where the account is empty, releasing an
/// inherited value does nothing.
package struct RegisteredRange: ~Copyable {
    private let account: RegistrationAccount
    internal let token: RegistrationToken

    internal init(account: RegistrationAccount, token: RegistrationToken) {
        self.account = account
        self.token = token
    }

    deinit {
        self.account.release(self.token)
    }

    /// The pages that were marked, or nil when the registration marked none: on demand, zero bytes, or a process without
    /// fork support.
    package var markedPages: PageRange? { self.token.marked }

    /// How many bytes lie on the marked pages that the caller did not name.
    package var foreignByteCount: UInt { self.token.foreignByteCount }

    /// Releases now instead of at the end of the value's life.
    package consuming func release() {}
}

/// What a registration did, and its release must undo.
internal struct RegistrationToken: Sendable {
    /// The rounded range with a mark, remembered so that the release looks nothing up.
    internal var marked: PageRange?
    internal var pin = Pin.none
    internal var edges = Edges()
    /// The number under which the fork check remembers the registration; 0 when there is no check.
    internal var checkNumber = 0
    internal var foreignByteCount: UInt = 0
    /// Of the account when the range was registered; another one in a forked child.
    internal var epoch: UInt32
}
