/// How a range is registered.
package struct RegistrationOptions: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The region follows the page tables (`IBV_ACCESS_ON_DEMAND`): nothing is marked and nothing is pinned.
    package static let onDemand = RegistrationOptions(rawValue: 1 << 0)
    /// Refuse a range that does not begin and end with a page: rounding would take bytes that the caller did not name away
    /// from children.
    package static let pageExact = RegistrationOptions(rawValue: 1 << 1)
    /// The caller has seen that all of the range is mapped, so that the kernel need not be asked again.
    package static let isKnownMapped = RegistrationOptions(rawValue: 1 << 2)
    /// The region's owner never writes through it; its pages may be read-only.
    package static let readOnly = RegistrationOptions(rawValue: 1 << 3)
}
