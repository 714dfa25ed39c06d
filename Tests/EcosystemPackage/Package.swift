// swift-tools-version: 6.2
// A user's package that has asked for all traits: the tests of the products over other packages. Apart from the project's own
// tests, so that whoever works on the adapter does not build SwiftNIO. `make ecosystem` runs them.

import PackageDescription

let package = Package(
    name: "ecosystem",
    dependencies: [
        .package(name: "verbena", path: "../..", traits: ["Logging", "Metrics", "NIO", "ServiceLifecycle"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        .testTarget(
            name: "EcosystemTests",
            dependencies: [
                .product(name: "Verbs", package: "verbena"),
                .product(name: "VerbsLogging", package: "verbena"),
                .product(name: "VerbsMetrics", package: "verbena"),
                .product(name: "VerbsNIO", package: "verbena"),
                .product(name: "VerbsServiceLifecycle", package: "verbena"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]
        )
    ]
)
