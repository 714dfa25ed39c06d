// Benchmarks use this module too, and are built where there is no module for tests.
#if canImport(Testing)
package import Testing

/// What a test shows of the verbs, for `docs/conformance.md`: names of `<infiniband/verbs.h>`. The trait does nothing when
/// the test runs; `scripts/make-conformance` reads it in the source, and refuses names that the header does not have.
package struct ShownNames: TestTrait {
    package let names: [String]
}

extension Trait where Self == ShownNames {
    /// The test uses these and looks at what they do.
    package static func shows(_ names: String...) -> Self { Self(names: names) }
}
#endif
