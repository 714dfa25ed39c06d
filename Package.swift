// swift-tools-version: 6.2
// Targets stand bottom-up: each imports only targets above it in this file. ARCHITECTURE.md says what each room is for.

import PackageDescription

let testSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]

/// Warnings are errors, so shipped code with an unmarked unsafe use does not build.
let swiftSettings: [SwiftSetting] = testSettings + [.strictMemorySafety()]

/// For the targets of the data path. Access to a property of a class is checked at run time otherwise, which costs more than
/// the access; a lock guards what several threads change, and the debug build, which the tests use, checks all the same.
let dataPathSettings: [SwiftSetting] =
    swiftSettings + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// The C-ABI libraries carry the Swift runtime inside, export only what their map names, are never unloaded, and find
/// the copy of ISA-L that lies beside them.
func abiLinkerSettings(_ name: String) -> [LinkerSetting] {
    [
        .unsafeFlags([
            "-static-stdlib",
            "-Xlinker", "-soname=\(name).so.1",
            "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/\(abiTarget[name] ?? "")/\(name).map",
            "-Xlinker", "-z", "-Xlinker", "nodelete",
            "-Xlinker", "-z", "-Xlinker", "now",
            "-Xlinker", "--gc-sections",
            "-Xlinker", "--enable-new-dtags",
            "-Xlinker", "-rpath=$ORIGIN",
        ])
    ]
}

let abiTarget = ["libibverbs": "VerbsABI", "librdmacm": "RDMACMABI"]

let package = Package(
    name: "verbena",
    products: [
        .library(name: "ibverbs", type: .dynamic, targets: ["VerbsABI"]),
        .library(name: "rdmacm", type: .dynamic, targets: ["RDMACMABI"]),
        .executable(name: "verbena", targets: ["verbena"]),
        .executable(name: "simulate", targets: ["simulate"]),
    ],
    dependencies: [
        // The command's arguments, help and completion.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // MARK: - C

        .target(name: "CShims"),
        .systemLibrary(name: "CVerbs"),
        .systemLibrary(name: "CRDMACM"),
        // The C functions beyond rdma-core's.
        .systemLibrary(name: "CVerbena"),
        // ISA-L: the vectorised CRC-32 of the ICRC.
        .systemLibrary(name: "CISAL"),

        // MARK: - Pure protocol: no I/O, no clock, no threads

        .target(name: "Wire", swiftSettings: swiftSettings),
        .target(name: "Transport", dependencies: ["Wire"], swiftSettings: swiftSettings),
        .target(name: "Simulation", dependencies: ["Transport", "Wire"], swiftSettings: swiftSettings),

        // MARK: - Operating system

        .target(name: "SystemIO", dependencies: ["CISAL", "CShims", "Wire"], swiftSettings: swiftSettings),

        // MARK: - Resources

        .target(name: "Segment", dependencies: ["SystemIO"], swiftSettings: swiftSettings),
        .target(name: "Registration", dependencies: ["SystemIO"], swiftSettings: swiftSettings),
        .target(name: "HostRegistry", dependencies: ["SystemIO", "Wire"], swiftSettings: swiftSettings),

        // MARK: - The adapter

        .target(
            name: "SoftHCA",
            dependencies: ["HostRegistry", "Registration", "Segment", "SystemIO", "Transport", "Wire"],
            swiftSettings: dataPathSettings
        ),

        // MARK: - C ABI

        .target(
            name: "VerbsABI",
            dependencies: [
                "CShims", "CVerbena", "CVerbs", "Registration", "Segment", "SoftHCA", "SystemIO", "Transport", "Wire",
            ],
            exclude: ["libibverbs.map"],
            swiftSettings: dataPathSettings,
            linkerSettings: abiLinkerSettings("libibverbs")
        ),
        .target(
            name: "RDMACMABI",
            dependencies: ["CRDMACM"],
            exclude: ["librdmacm.map"],
            swiftSettings: swiftSettings,
            linkerSettings: abiLinkerSettings("librdmacm")
        ),

        // MARK: - Commands

        .executableTarget(
            name: "verbena",
            dependencies: [
                "HostRegistry", "Registration", "SoftHCA", "SystemIO", "Wire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings,
            // ISA-L lies with the libraries in a staged tree.
            linkerSettings: [.unsafeFlags(["-Xlinker", "-rpath=$ORIGIN/../lib/verbena"])]
        ),
        .executableTarget(
            name: "simulate",
            dependencies: ["Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: swiftSettings
        ),

        // MARK: - Test support and programs

        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: testSettings),
        // A process of a registry, of which the tests kill some.
        .executableTarget(
            name: "registry-probe",
            dependencies: ["HostRegistry", "SystemIO", "TestSupport", "Wire"],
            path: "Tests/Programs/registry-probe",
            swiftSettings: testSettings
        ),

        // Debian's programs with all their options: `make programs`.
        .executableTarget(
            name: "program-matrix",
            dependencies: ["TestSupport"],
            path: "Tests/Programs/program-matrix",
            swiftSettings: testSettings
        ),

        // MARK: - Tests

        .testTarget(
            name: "WireTests",
            dependencies: ["SystemIO", "TestSupport", "Wire"],
            resources: [.copy("Fixtures")],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TransportTests",
            dependencies: ["TestSupport", "Transport", "Wire"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Simulation", "TestSupport", "Transport", "Wire"],
            swiftSettings: testSettings
        ),
        .testTarget(name: "SystemIOTests", dependencies: ["SystemIO", "TestSupport"], swiftSettings: testSettings),
        .testTarget(
            name: "SegmentTests",
            dependencies: ["Segment", "SystemIO", "TestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "RegistrationTests",
            dependencies: ["Registration", "SystemIO", "TestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "HostRegistryTests",
            dependencies: ["HostRegistry", "SystemIO", "TestSupport", "Wire", "registry-probe"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "SoftHCATests",
            dependencies: ["Segment", "SoftHCA", "SystemIO", "TestSupport", "Transport", "Wire"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ABITests",
            dependencies: ["TestSupport"],
            exclude: ["Programs", "symbols-libibverbs.txt", "symbols-librdmacm.txt"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ProgramTests",
            dependencies: ["TestSupport"],
            exclude: ["Programs"],
            swiftSettings: testSettings
        ),

        // MARK: - Benchmarks

        .executableTarget(
            name: "registration-bench",
            dependencies: ["Registration", "SystemIO"],
            path: "Benchmarks/RegistrationBench",
            swiftSettings: testSettings
        ),
        .executableTarget(
            name: "wire-bench",
            dependencies: ["TestSupport"],
            path: "Benchmarks/WireBench",
            swiftSettings: testSettings
        ),
    ]
)
