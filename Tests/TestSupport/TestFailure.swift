/// Why a test's own preparations failed, in words that say how to mend it.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
