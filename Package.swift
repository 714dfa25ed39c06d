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

let exampleSettings: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

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
        .library(name: "Verbs", targets: ["Verbs"]),
        .library(name: "VerbsLogging", targets: ["VerbsLogging"]),
        .library(name: "VerbsMetrics", targets: ["VerbsMetrics"]),
        .library(name: "VerbsNIO", targets: ["VerbsNIO"]),
        .library(name: "VerbsServiceLifecycle", targets: ["VerbsServiceLifecycle"]),
        .library(name: "ibverbs", type: .dynamic, targets: ["LibIBVerbs"]),
        .library(name: "rdmacm", type: .dynamic, targets: ["RDMACMABI"]),
        // The commands have no line here, so that whoever depends on a library does not fetch their packages.
    ],
    traits: [
        // What others' packages are needed for. Without a trait its packages are not even fetched.
        .trait(name: "Logging", description: "The product VerbsLogging, over swift-log"),
        .trait(name: "Metrics", description: "The product VerbsMetrics, over swift-metrics"),
        .trait(name: "ServiceLifecycle", description: "The product VerbsServiceLifecycle"),
        .trait(name: "NIO", description: "The product VerbsNIO, over swift-nio"),
    ],
    dependencies: [
        // The command's arguments, help and completion.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Each for one product of the ecosystem, behind its trait.
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
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
            swiftSettings: swiftSettings
        ),

        // MARK: - C ABI

        .target(
            name: "VerbsABI",
            dependencies: [
                "CShims", "CVerbena", "CVerbs", "Registration", "Segment", "SoftHCA", "SystemIO", "Transport", "Wire",
            ],
            exclude: ["libibverbs.map"],
            swiftSettings: swiftSettings
        ),
        // How libibverbs.so.1 is linked. Apart from VerbsABI, because a target's settings hold for every program with it.
        .target(
            name: "LibIBVerbs",
            dependencies: ["VerbsABI"],
            swiftSettings: swiftSettings,
            linkerSettings: abiLinkerSettings("libibverbs")
        ),
        .target(
            name: "RDMACMABI",
            dependencies: ["CRDMACM"],
            exclude: ["librdmacm.map"],
            swiftSettings: swiftSettings,
            linkerSettings: abiLinkerSettings("librdmacm")
        ),

        // MARK: - The Swift API

        .target(
            name: "Verbs",
            dependencies: ["CShims", "CVerbs", "SystemIO", "VerbsABI"],
            swiftSettings: swiftSettings
        ),

        .target(
            name: "VerbsLogging",
            dependencies: [
                "Verbs", .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Logging"])),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "VerbsMetrics",
            dependencies: [
                "Verbs", .product(name: "CoreMetrics", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "VerbsNIO",
            dependencies: [
                "Verbs", .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["NIO"])),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "VerbsServiceLifecycle",
            dependencies: [
                "Verbs",
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycle"])
                ),
            ],
            swiftSettings: swiftSettings
        ),

        // MARK: - Examples, built as a user's programs are

        .executableTarget(
            name: "hello",
            dependencies: ["Verbs"],
            path: "Examples/Hello",
            swiftSettings: exampleSettings
        ),
        .executableTarget(
            name: "ping-pong",
            dependencies: ["Verbs"],
            path: "Examples/PingPong",
            swiftSettings: exampleSettings
        ),
        .executableTarget(
            name: "key-value-store",
            dependencies: ["Verbs"],
            path: "Examples/KeyValueStore",
            swiftSettings: exampleSettings
        ),
        .executableTarget(
            name: "all-reduce",
            dependencies: ["Verbs"],
            path: "Examples/AllReduce",
            swiftSettings: exampleSettings
        ),
        .executableTarget(
            name: "file-transfer",
            dependencies: ["Verbs"],
            path: "Examples/FileTransfer",
            swiftSettings: exampleSettings
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
        // What fuzzers and the tests of the corpus give bytes to.
        .target(
            name: "Fuzzing",
            dependencies: ["HostRegistry", "Segment", "SoftHCA", "SystemIO", "Transport", "Wire"],
            path: "Tests/Fuzzing",
            exclude: ["Corpus"],
            swiftSettings: testSettings
        ),
        // A process of a registry, of which the tests kill some.
        .executableTarget(
            name: "registry-probe",
            dependencies: ["HostRegistry", "SystemIO", "TestSupport", "Wire"],
            path: "Tests/Programs/registry-probe",
            swiftSettings: testSettings
        ),
        // A process that does much by the Swift API.
        .executableTarget(
            name: "verbs-probe",
            dependencies: ["Verbs"],
            path: "Tests/Programs/verbs-probe",
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
            dependencies: ["HostRegistry", "Segment", "SoftHCA", "SystemIO", "TestSupport", "Transport", "Wire"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "FuzzingTests",
            dependencies: ["Fuzzing", "TestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ABITests",
            dependencies: ["TestSupport"],
            exclude: ["Programs", "symbols-libibverbs.txt", "symbols-librdmacm.txt", "rxe.txt"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ProgramTests",
            dependencies: ["TestSupport"],
            exclude: ["Programs"],
            swiftSettings: testSettings
        ),

        .testTarget(
            name: "VerbsTests",
            dependencies: [
                "CVerbs", "TestSupport", "Verbs", "all-reduce", "file-transfer", "hello", "key-value-store",
                "ping-pong",
                "verbs-probe",
            ],
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
        .executableTarget(
            name: "verbs-bench",
            dependencies: ["SystemIO", "TestSupport", "Verbs"],
            path: "Benchmarks/VerbsBench",
            exclude: ["Programs"],
            swiftSettings: testSettings
        ),
    ]
)
