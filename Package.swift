// swift-tools-version: 6.2
import PackageDescription

// One package. Libraries never import upwards (see Libraries/README.md); every service is its own executable.

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let heaps: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deques: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: "Libraries/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func library(_ name: String, _ dependencies: [Target.Dependency] = [], plugins: [Target.PluginUsage] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Libraries/\(name)", exclude: ["README.md"], plugins: plugins)
}

func service(_ folder: String, product: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: product, dependencies: dependencies + ["Daemon", "Protocol", argumentParser, logging],
        path: "Services/\(folder)", exclude: ["README.md"])
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], plugins: [Target.PluginUsage] = []
) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)", exclude: exclude,
        plugins: plugins)
}

/// Defects can be planted in the cores: for testing the simulator, see Libraries/Mutations/README.md.
let mutationSettings: [SwiftSetting] =
    Context.environment["STERNA_MUTATIONS"] == "1" ? [.define("STERNA_MUTATIONS")] : []

let package = Package(
    name: "sterna",
    products: [
        .executable(name: "sterna", targets: ["sterna"]),
        .executable(name: "sterna-registry", targets: ["sterna-registry"]),
        .executable(name: "sterna-shard", targets: ["sterna-shard"]),
        .executable(name: "sterna-cdc", targets: ["sterna-cdc"]),
        .executable(name: "sterna-block", targets: ["sterna-block"]),
        .executable(name: "sterna-gc", targets: ["sterna-gc"]),
        .executable(name: "sterna-mount", targets: ["sterna-mount"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // C libraries
        system("CUV", pkgConfig: "libuv", apt: "libuv1-dev"),
        system("CRocksDB", pkgConfig: "rocksdb", apt: "librocksdb-dev"),
        system("CISAL", pkgConfig: "libisal", apt: "libisal-dev"),
        system("CFUSE", pkgConfig: "fuse3", apt: "libfuse3-dev"),
        system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
        system("CXXHash", pkgConfig: "libxxhash", apt: "libxxhash-dev"),
        .target(name: "CLinux", path: "Libraries/CLinux", exclude: ["README.md"]),

        // The schema compiler
        .target(name: "SchemaLanguage", path: "proto/Compiler/Language"),
        .executableTarget(
            name: "SchemaCompiler", dependencies: ["SchemaLanguage"], path: "proto/Compiler/Command"),
        .plugin(
            name: "SchemaPlugin", capability: .buildTool(), dependencies: ["SchemaCompiler"], path: "proto/Plugin"),

        // Libraries, from the ground up
        .target(
            name: "Mutations", path: "Libraries/Mutations", exclude: ["README.md"],
            swiftSettings: mutationSettings),
        library("Chance"),
        library("Metrics"),
        library("Directories", ["Mutations"]),
        library("Consensus", ["Chance", "Mutations"]),
        library("SimulatedConsensus", ["Chance", "Consensus"]),
        library("Wire", ["CCrypto"]),
        library("Protocol", ["Wire", "Consensus", "CXXHash"], plugins: ["SchemaPlugin"]),
        library("Erasure", ["Wire", "CISAL"]),
        library("Store", ["CRocksDB", "Mutations"]),
        library("EventLoop", ["CUV", "CLinux"]),
        library("Peers", ["Consensus", "EventLoop", "Metrics", "Mutations", "Protocol", "Wire", logging]),
        library(
            "ReplicatedLog",
            ["Mutations", "Consensus", "Directories", "Store", "Protocol", "CXXHash", "CLinux", deques]),
        library("ShardCore", ["Chance", "Mutations", "Store", "Protocol", "Erasure"]),
        library("CoordinatorCore", ["Mutations", "Store", "Protocol"]),
        library("RegistryCore", ["Chance", "Mutations", "Store", "Protocol"]),
        library(
            "BlockStore", ["Mutations", "Directories", "Store", "Erasure", "Protocol", "CLinux", "CCrypto"]),
        library("Client", ["Mutations", "Protocol", "Erasure", "EventLoop", deques]),
        library("Filesystem", ["Mutations", "Client", "EventLoop", "Protocol", "CLinux", logging]),
        library("MaintenanceState", ["Directories", "Store", "Protocol", "Wire"]),
        library("GarbageCollection", ["Mutations", "MaintenanceState", "Client", "Protocol", "EventLoop"]),
        library("BlockRepair", ["Client", "Protocol", "Erasure", "EventLoop", deques]),
        library("Scrubbing", ["MaintenanceState", "Client", "Protocol", "EventLoop"]),
        library("Relayout", ["MaintenanceState", "BlockRepair", "Client", "Protocol", "EventLoop"]),
        library(
            "Simulator",
            [
                "ShardServing", "CoordinatorServing", "RegistryServing", "ShardCore", "CoordinatorCore", "RegistryCore",
                "Replicas", "ReplicatedLog", "Consensus", "Peers", "Store", "Protocol", "Erasure", "Client",
                "GarbageCollection", "Chance",
                "EventLoop", "Metrics", deques, heaps, logging,
            ]),
        library(
            "ConsistencyCheck",
            [
                "ShardCore", "CoordinatorCore", "RegistryCore", "ReplicatedLog", "Store", "BlockStore", "Client",
                "Directories",
            ]),
        library(
            "QuorumRecovery",
            [
                "ShardCore", "CoordinatorCore", "RegistryCore", "ReplicatedLog", "Consensus", "Store", "Protocol",
                "Directories",
            ]),
        library("Daemon", ["Metrics", "Directories", "EventLoop", "Protocol", "CLinux", argumentParser, logging]),
        library(
            "Replicas",
            [
                "ReplicatedLog", "Consensus", "Peers", "Store", "Daemon", "Metrics", "EventLoop", "Protocol",
                "Mutations", argumentParser, deques, logging,
            ]),
        library(
            "ShardServing",
            [
                "Replicas", "ShardCore", "ReplicatedLog", "Consensus", "Peers", "Store", "Client", "Daemon",
                "Directories", "Metrics", "EventLoop", "Protocol", "Wire", "Mutations", deques, logging,
            ]),
        library(
            "CoordinatorServing",
            [
                "Replicas", "CoordinatorCore", "ReplicatedLog", "Consensus", "Peers", "Store", "Client", "Daemon",
                "Metrics", "EventLoop", "Protocol",
                "Wire", "Mutations", logging,
            ]),
        library(
            "RegistryServing",
            [
                "Replicas", "RegistryCore", "ReplicatedLog", "Consensus", "Peers", "Store", "Client", "Daemon",
                "Metrics", "EventLoop", "Protocol", "Wire", "Mutations", logging,
            ]),

        // Services
        service("registry", product: "sterna-registry", ["RegistryServing", "RegistryCore", "Replicas", "EventLoop"]),
        service("shard", product: "sterna-shard", ["ShardServing", "Replicas", "Client", "EventLoop"]),
        service("cdc", product: "sterna-cdc", ["CoordinatorServing", "Replicas", "EventLoop"]),
        service("block", product: "sterna-block", ["BlockStore", "EventLoop", "Client", "Metrics", "CLinux"]),
        service(
            "gc", product: "sterna-gc",
            [
                "GarbageCollection", "BlockRepair", "MaintenanceState", "Scrubbing", "Relayout", "Client", "EventLoop",
                "Directories", "Metrics",
            ]),
        service(
            "mount", product: "sterna-mount",
            ["Filesystem", "Client", "EventLoop", "Metrics", "Mutations", "CFUSE", "CLinux"]),
        service(
            "cli", product: "sterna",
            ["BlockRepair", "Client", "ConsistencyCheck", "QuorumRecovery", "Directories", "EventLoop", "CLinux"]),
        .executableTarget(
            name: "sterna-bench",
            dependencies: ["Wire", "Protocol", "Erasure", "EventLoop", "Store", "TestShards", argumentParser],
            path: "ops/benchmark/Benchmark"),
        .target(name: "VolatileDisk", dependencies: ["Chance"], path: "ops/volatile-disk/Model"),
        .executableTarget(
            name: "sterna-volatile-disk", dependencies: ["VolatileDisk", "CFUSE", "CLinux", argumentParser],
            path: "ops/volatile-disk/Command"),
        .executableTarget(
            name: "sterna-torture",
            dependencies: ["Client", "Daemon", "BlockStore", "EventLoop", "Protocol", argumentParser],
            path: "ops/torture-campaign", exclude: ["README.md"]),
        .executableTarget(
            name: "sterna-simulate",
            dependencies: ["Simulator", "SimulatedConsensus", "Mutations", argumentParser], path: "ops/simulation",
            swiftSettings: mutationSettings),

        // Tests
        .target(name: "TestSupport", dependencies: ["Chance"], path: "Tests/TestSupport"),
        .target(
            name: "TestServices", dependencies: ["EventLoop", "Protocol", "Wire", "TestSupport"],
            path: "Tests/TestServices"),
        .target(
            name: "TestShards", dependencies: ["ShardCore", "Store", "Protocol"], path: "Tests/TestShards"),
        .target(
            name: "TestLog",
            dependencies: ["Replicas", "ReplicatedLog", "Peers", "Consensus", "Metrics", "Protocol", "Store"],
            path: "Tests/TestLog"),
        tests("Wire", ["Wire"]),
        tests("SchemaCompiler", ["SchemaLanguage"]),
        tests(
            "Conformance", ["Wire", "Protocol", "Erasure"], exclude: ["vectors", "README.md"],
            plugins: ["SchemaPlugin"]),
        .target(name: "DecoderFuzzing", dependencies: ["Consensus", "Protocol"], path: "Tests/Fuzz/Decoders"),
        .target(
            name: "StateFuzzing",
            dependencies: [
                "ShardCore", "CoordinatorCore", "RegistryCore", "ReplicatedLog", "Store", "Erasure", "TestShards",
            ], path: "Tests/Fuzz/States"),
        tests(
            "Fuzz", ["DecoderFuzzing", "StateFuzzing"],
            exclude: ["Corpus", "Decoders", "LibFuzzer", "States", "README.md"]),
        tests("Directories", ["Directories", "sterna-volatile-disk"]),
        tests("Erasure", ["Erasure"]),
        tests("Store", ["Store"]),
        tests("EventLoop", ["EventLoop", "TestServices"], exclude: ["README.md"]),
        tests("Consensus", ["Consensus", "SimulatedConsensus"]),
        tests("Peers", ["Peers", "Consensus", "EventLoop", "Metrics", "Protocol", "Wire", logging]),
        tests("ReplicatedLog", ["ReplicatedLog", "Consensus", "Simulator", "TestLog", "sterna-volatile-disk"]),
        tests(
            "Replicas",
            [
                "Replicas", "ReplicatedLog", "Consensus", "Peers", "Store", "EventLoop", "Metrics", "Protocol",
                "TestLog", argumentParser, logging,
            ]),
        tests(
            "QuorumRecovery",
            ["QuorumRecovery", "Replicas", "ReplicatedLog", "Consensus", "Store", "Protocol", "TestLog"]),
        tests("ShardCore", ["ShardCore", "TestShards", "Simulator", "Erasure"]),
        .target(name: "ReferenceModel", dependencies: ["Protocol"], path: "Tests/Model/Reference"),
        tests(
            "Model", ["ReferenceModel", "CoordinatorCore", "ShardCore", "TestShards", "Store", "Erasure"],
            exclude: ["Reference", "README.md"]),
        .target(
            name: "VisibleFilesystem", dependencies: ["TestSupport"], path: "Tests/VisibleFilesystem/Model"),
        .target(name: "SystemCalls", path: "Tests/VisibleFilesystem/SystemCalls"),
        .executableTarget(
            name: "sterna-random-programs",
            dependencies: [
                "VisibleFilesystem", "SystemCalls", "ReferenceModel", "Client", "EventLoop", "Protocol", "CLinux",
                argumentParser,
            ], path: "Tests/VisibleFilesystem/Runner"),
        tests(
            "VisibleFilesystem", ["VisibleFilesystem", "sterna-random-programs"],
            exclude: ["Model", "Runner", "Scripts", "SystemCalls", "README.md"]),
        tests(
            "CoordinatorCore", ["CoordinatorCore", "ShardCore", "TestShards", "Simulator", "Store"],
            exclude: ["README.md"]),
        tests(
            "CoordinatorServing",
            [
                "CoordinatorServing", "CoordinatorCore", "Consensus", "Metrics", "Protocol", "Simulator", "TestLog",
                "TestShards", logging,
            ]),
        tests("CoordinatorService", ["sterna-cdc", "TestServices", "EventLoop", "Protocol", "Wire"]),
        tests("RegistryCore", ["RegistryCore", "Store", "Protocol"], exclude: ["README.md"]),
        tests("BlockStore", ["BlockStore", "Erasure", "Protocol", "Store", "sterna-volatile-disk"]),
        tests("BlockService", ["sterna-block", "TestServices", "EventLoop", "Erasure", "Protocol", "Wire"]),
        tests("Client", ["Client", "TestServices", "ShardCore", "Simulator", "Store"]),
        tests(
            "BlockRepair", ["BlockRepair", "Client", "Protocol", "Erasure", "ShardCore", "TestShards"],
            exclude: ["README.md"]),
        tests(
            "Filesystem",
            [
                "Filesystem", "Client", "EventLoop", "Protocol", "Simulator", "TestServices", "sterna",
                "sterna-registry",
                "sterna-shard", "sterna-cdc", "sterna-block", "sterna-gc", logging,
            ], exclude: ["README.md"]),
        tests(
            "Mount", ["sterna-mount", "Filesystem", "CFUSE", "CLinux", "sterna-volatile-disk", argumentParser],
            exclude: ["README.md"]),
        tests(
            "GarbageCollection",
            [
                "GarbageCollection", "MaintenanceState", "Client", "EventLoop", "Protocol", "ShardCore", "Store",
                "TestShards", "TestServices",
            ],
            exclude: ["README.md"]),
        tests("MaintenanceState", ["MaintenanceState", "Store", "Protocol"], exclude: ["README.md"]),
        tests("Relayout", ["Relayout", "MaintenanceState", "Store", "Client", "Protocol"], exclude: ["README.md"]),
        tests("Scrubbing", ["Scrubbing", "MaintenanceState", "Store", "Client", "Protocol"], exclude: ["README.md"]),
        tests("Simulation", ["Simulator", "sterna-simulate"], exclude: ["README.md"]),
        tests(
            "ConsistencyCheck",
            [
                "ConsistencyCheck", "ShardCore", "CoordinatorCore", "RegistryCore", "ReplicatedLog", "Store", "Erasure",
                "Client", "EventLoop", "Protocol", "TestShards",
            ], exclude: ["README.md"]),
        tests(
            "Daemon", ["Daemon", "Metrics", "EventLoop", "Protocol", "sterna-volatile-disk", argumentParser, logging],
            exclude: ["README.md"]),
        tests("CommandLine", ["sterna", "sterna-volatile-disk"]),
        tests(
            "EndToEnd",
            [
                "sterna", "sterna-registry", "sterna-shard", "sterna-cdc", "sterna-block", "sterna-gc", "sterna-mount",
                "sterna-torture", "sterna-random-programs", "sterna-volatile-disk", "Client", "Erasure", "EventLoop",
                "Protocol", "Simulator", "Store",
            ], exclude: ["Programs", "Fixtures"]),
        tests(
            "RegistryService", ["sterna-registry", "RegistryServing", "Protocol", "EventLoop"], exclude: ["README.md"]),
        tests(
            "RegistryServing",
            ["RegistryServing", "RegistryCore", "Replicas", "Consensus", "Metrics", "Protocol", "TestLog"]),
        tests("TortureCampaign", ["sterna-torture"]),
        tests("VolatileDisk", ["VolatileDisk", "sterna-volatile-disk"]),
        tests(
            "ShardServing",
            [
                "ShardServing", "ShardCore", "Replicas", "ReplicatedLog", "Store", "EventLoop", "Metrics", "Protocol",
                "TestLog",
                logging,
            ]),
        tests("ShardService", ["sterna-shard", "TestServices", "sterna-volatile-disk", "Protocol", "EventLoop"]),
    ],
    swiftLanguageModes: [.v6]
)
