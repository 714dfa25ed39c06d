import Testing

/// Debian's unmodified programs on what `make build` staged, in network namespaces that each test makes and removes.
/// They need root, which `make test` arranges, and run one after another: each takes the whole machine.
@Suite(.serialized)
enum ProgramTests {}
