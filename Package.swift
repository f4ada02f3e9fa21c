// swift-tools-version: 6.2
//
// The rooms of Lodestore, floor by floor. An import is an arrow and arrows point down only; `Scripts/check-arrows`
// holds this table and the sources to each other.
//
// LODESTORE_ROOMS="Scoring SigV4" narrows the package to those rooms, what they stand on, and their tests: a room can
// then be built and tested without building the house.

import Foundation
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]
let sourceSettings: [SwiftSetting] = settings + [.strictMemorySafety()]

// MARK: Packages

struct Library {
    let product: String
    let package: String
    let url: String
    let version: Version

    var dependency: Target.Dependency {
        .product(name: product, package: package.hasSuffix(".git") ? String(package.dropLast(4)) : package)
    }
}

func apple(_ product: String, _ package: String, _ version: Version) -> Library {
    Library(product: product, package: package, url: "https://github.com/apple/\(package)", version: version)
}

func vendor(_ product: String, _ owner: String, _ package: String, _ version: Version) -> Library {
    Library(product: product, package: package, url: "https://github.com/\(owner)/\(package)", version: version)
}

func server(_ product: String, _ package: String, _ version: Version) -> Library {
    Library(product: product, package: package, url: "https://github.com/swift-server/\(package)", version: version)
}

let libraries: [Library] = [
    apple("ArgumentParser", "swift-argument-parser", "1.8.2"),
    apple("Configuration", "swift-configuration", "1.4.0"),
    apple("Logging", "swift-log", "1.16.2"),
    apple("NIOCore", "swift-nio", "2.101.2"),
    apple("NIOPosix", "swift-nio", "2.101.2"),
    apple("NIOHTTP1", "swift-nio", "2.101.2"),
    apple("NIOTLS", "swift-nio", "2.101.2"),
    apple("NIOEmbedded", "swift-nio", "2.101.2"),
    apple("NIOSSL", "swift-nio-ssl", "2.37.6"),
    apple("NIOHTTP2", "swift-nio-http2", "1.46.0"),
    apple("NIOHPACK", "swift-nio-http2", "1.46.0"),
    apple("NIOCertificateReloading", "swift-nio-extras", "1.35.2"),
    vendor("Histogram", "HdrHistogram", "hdrhistogram-swift", "0.2.0"),
    vendor("GRPCCore", "grpc", "grpc-swift-2", "2.4.3"),
    vendor("GRPCNIOTransportHTTP2Posix", "grpc", "grpc-swift-nio-transport", "2.9.2"),
    server("AsyncHTTPClient", "async-http-client", "1.37.0"),
    server("ServiceLifecycle", "swift-service-lifecycle", "2.13.0"),
    server("UnixSignals", "swift-service-lifecycle", "2.13.0"),
]

/// What the libraries above bring with them, at the versions that everything here was tested with: without a lock file a build
/// is then the same everywhere.
let brought: [Library] = [
    apple("Algorithms", "swift-algorithms.git", "1.2.1"),
    apple("SwiftASN1", "swift-asn1.git", "1.7.4"),
    apple("AsyncAlgorithms", "swift-async-algorithms.git", "1.1.4"),
    apple("Atomics", "swift-atomics.git", "1.3.0"),
    apple("X509", "swift-certificates.git", "1.21.1"),
    apple("DequeModule", "swift-collections.git", "1.6.0"),
    apple("Crypto", "swift-crypto.git", "4.5.2"),
    apple("Tracing", "swift-distributed-tracing.git", "1.7.3"),
    apple("StructuredFieldValues", "swift-http-structured-headers.git", "1.7.0"),
    apple("HTTPTypes", "swift-http-types.git", "1.8.0"),
    apple("NIOTransportServices", "swift-nio-transport-services.git", "1.28.0"),
    apple("RealModule", "swift-numerics.git", "1.1.1"),
    apple("ServiceContextModule", "swift-service-context.git", "1.5.1"),
    apple("SystemPackage", "swift-system.git", "1.8.1"),
]

// MARK: Rooms

enum Kind { case system(pkgConfig: String, apt: String), c, swift, program, support }

struct Room {
    let floor: Int
    let name: String
    let kind: Kind
    let needs: [String]
    let testNeeds: [String]
}

/// A Swift room: what its sources import, and what its tests import beyond that.
func room(_ floor: Int, _ name: String, _ needs: [String] = [], tests: [String] = []) -> Room {
    Room(floor: floor, name: name, kind: .swift, needs: needs, testNeeds: tests)
}
/// What only tests import; lies in Tests.
func support(_ name: String) -> Room {
    Room(floor: 1, name: name, kind: .support, needs: [], testNeeds: [])
}
func program(_ name: String, _ needs: [String]) -> Room {
    Room(floor: 6, name: name, kind: .program, needs: needs, testNeeds: [])
}
func system(_ name: String, pkgConfig: String, apt: String) -> Room {
    Room(floor: 0, name: name, kind: .system(pkgConfig: pkgConfig, apt: apt), needs: [], testNeeds: [])
}
func door(_ name: String, _ needs: [String] = []) -> Room {
    Room(floor: 0, name: name, kind: .c, needs: needs, testNeeds: [])
}

let house: [Room] = [
    // Floor 0: doors to C.
    door("CRocksDB"),
    system("CLZ4", pkgConfig: "liblz4", apt: "liblz4-dev"),
    system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
    system("CArchive", pkgConfig: "libarchive", apt: "libarchive-dev"),
    door("CLinux"),
    door("CChecksum"),
    door("CKernels"),
    door("CEpoll"),
    door("COnnxRuntime"),

    // Floor 0 too: what every room's words stand on.
    room(0, "Names", tests: ["PropertyTesting"]),

    // Floor 1: words and tools.
    support("PropertyTesting"),
    room(1, "S3Types", ["Names"], tests: ["PropertyTesting"]),
    room(1, "Threads"),
    room(1, "ModelTypes", ["Names"]),
    room(1, "JSONReader", tests: ["PropertyTesting"]),
    room(1, "Protobuf", tests: ["PropertyTesting"]),
    room(1, "Telemetry", ["Names", "Logging"]),
    room(1, "RocksKit", ["CRocksDB"]),
    room(1, "LZ4Kit", ["CLZ4"]),
    room(1, "ArchiveKit", ["Names", "CArchive"]),
    room(1, "Digests", ["CCrypto", "CChecksum"]),
    room(1, "DurableFiles"),
    room(1, "SealedMemory", ["CLinux"]),

    // Floor 2: protocols, formats and tools that stand on them.
    room(
        2, "Launch",
        [
            "Names", "S3Types", "DurableFiles", "JSONReader", "Telemetry", "Logging", "ArgumentParser", "Configuration",
            "ServiceLifecycle", "UnixSignals",
        ]),
    room(2, "LoadGenerator", ["Names", "Threads", "Telemetry", "Histogram"]),
    room(2, "SigV4", ["Names", "S3Types", "Digests"]),
    room(2, "S3Wire", ["Names", "S3Types"], tests: ["PropertyTesting"]),
    room(2, "ModelFormat", ["Names", "ModelTypes", "JSONReader", "Protobuf"], tests: ["PropertyTesting"]),
    room(2, "ModelImage", ["Names", "ModelTypes"], tests: ["PropertyTesting"]),
    room(
        2, "OnnxRuntimeKit", ["COnnxRuntime", "ModelTypes", "Protobuf"],
        tests: ["ModelFormat", "JSONReader", "PropertyTesting"]),
    room(2, "InferenceWire", ["Names", "JSONReader", "Protobuf", "Telemetry"], tests: ["PropertyTesting"]),
    room(
        2, "HTTPKernel",
        ["Names", "CEpoll", "Threads", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOTLS", "NIOSSL", "Logging"],
        tests: ["NIOEmbedded", "PropertyTesting"]),

    // Floor 3: engines.
    room(
        3, "ObjectEngine", ["Names", "S3Types", "RocksKit", "Digests", "DurableFiles", "Threads"],
        tests: ["PropertyTesting"]),
    room(
        3, "Scoring", ["CKernels", "ModelTypes", "ModelImage"],
        tests: ["ModelFormat", "JSONReader", "PropertyTesting"]),
    room(
        3, "S3Client",
        ["Names", "S3Types", "SigV4", "S3Wire", "Digests", "JSONReader", "AsyncHTTPClient", "NIOCore", "NIOHTTP1"],
        tests: ["Threads"]),
    room(
        3, "ModelCache", ["Names", "LZ4Kit", "DurableFiles", "Digests", "SealedMemory", "Threads"],
        tests: ["PropertyTesting"]),
    room(
        3, "Handoff", ["Names", "SealedMemory", "Digests", "DurableFiles", "Threads"],
        tests: ["CLinux", "PropertyTesting"]),

    // Floor 4: services.
    room(
        4, "S3Service",
        [
            "Names", "S3Types", "Digests", "SigV4", "S3Wire", "ObjectEngine", "HTTPKernel", "NIOCore", "NIOHTTP1",
            "Logging",
            "Telemetry",
        ]),
    room(
        4, "ModelSync",
        [
            "Names", "S3Types", "S3Client", "ArchiveKit", "ModelTypes", "ModelFormat", "ModelImage", "Scoring",
            "ModelCache", "Handoff", "SealedMemory", "Digests", "DurableFiles", "JSONReader", "Threads", "Telemetry",
            "Logging",
        ], tests: ["OnnxRuntimeKit", "PropertyTesting"]),

    // Floor 5: edges.
    room(
        5, "S3Server",
        [
            "S3Service", "ObjectEngine", "HTTPKernel", "Telemetry", "NIOCore", "NIOPosix", "NIOHTTP1", "Logging",
            "ServiceLifecycle",
        ],
        tests: ["S3Types", "S3Wire", "SigV4", "Digests"]),
    room(
        5, "InferenceServer",
        [
            "Names", "S3Types", "Digests", "SigV4", "Threads", "HTTPKernel", "InferenceWire", "ModelTypes",
            "ModelImage",
            "Scoring",
            "Handoff", "SealedMemory", "Telemetry",
            "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL", "NIOCertificateReloading", "Logging", "ServiceLifecycle",
            "GRPCCore", "GRPCNIOTransportHTTP2Posix", "NIOHTTP2", "NIOHPACK",
        ],
        tests: ["Protobuf", "ModelFormat", "OnnxRuntimeKit", "NIOEmbedded", "PropertyTesting"]),

    // Floor 6: programs.
    program(
        "lodestore",
        [
            "Names", "S3Server", "S3Service", "ObjectEngine", "S3Types", "HTTPKernel", "DurableFiles", "Launch",
            "ArgumentParser", "Logging",
            "NIOCore",
        ]),
    program(
        "lodestore-sidecar",
        [
            "Names", "ModelSync", "S3Client", "S3Types", "ModelCache", "DurableFiles", "JSONReader", "Launch",
            "Telemetry",
            "OnnxRuntimeKit", "AsyncHTTPClient", "ArgumentParser", "Logging", "ServiceLifecycle",
        ]),
    program(
        "lodestore-executor",
        [
            "Names", "DurableFiles", "InferenceServer", "ModelTypes", "NIOCore", "LoadGenerator", "InferenceWire",
            "Scoring",
            "ModelImage", "Launch", "OnnxRuntimeKit",
            "ArgumentParser", "Logging", "HTTPKernel",
        ]),
]

// MARK: Manifest

let roomNames = Set(house.map(\.name))

/// The rooms that the environment asks for and all they stand on; every room when it asks for nothing.
func chosenRooms() -> [Room] {
    guard let asked = Context.environment["LODESTORE_ROOMS"], !asked.isEmpty else { return house }
    let askedNames = Set(asked.split(separator: " ").map(String.init))
    var wanted = askedNames
    for room in house.reversed() where wanted.contains(room.name) {
        wanted.formUnion(room.needs)
        if askedNames.contains(room.name) { wanted.formUnion(room.testNeeds) }
    }
    // Test needs may stand above rooms already passed.
    for room in house.reversed() where wanted.contains(room.name) { wanted.formUnion(room.needs) }
    return house.filter { wanted.contains($0.name) }
}

func dependency(_ name: String) -> Target.Dependency? {
    if let library = libraries.first(where: { $0.product == name }) {
        return library.dependency
    }
    return roomNames.contains(name) ? .target(name: name) : nil
}

let chosen = chosenRooms()
let isWhole = chosen.count == house.count
let askedRooms = Context.environment["LODESTORE_ROOMS"].map { Set($0.split(separator: " ").map(String.init)) }
var targets: [Target] = []
var usedLibraries: Set<String> = []

for room in chosen {
    let dependencies = room.needs.compactMap(dependency)
    usedLibraries.formUnion(room.needs)
    switch room.kind {
    case .system(let pkgConfig, let apt):
        targets.append(.systemLibrary(name: room.name, pkgConfig: pkgConfig, providers: [.apt([apt])]))
    case .c:
        let linked: [LinkerSetting] = room.name == "CRocksDB" ? [.linkedLibrary("rocksdb")] : []
        targets.append(.target(name: room.name, dependencies: dependencies, linkerSettings: linked))
    case .swift:
        targets.append(.target(name: room.name, dependencies: dependencies, swiftSettings: sourceSettings))
    case .support:
        targets.append(.target(name: room.name, path: "Tests/\(room.name)", swiftSettings: settings))
    case .program:
        targets.append(.executableTarget(name: room.name, dependencies: dependencies, swiftSettings: sourceSettings))
    }
    let tests = "Tests/\(room.name)Tests"
    let isAsked = askedRooms.map { $0.isEmpty || $0.contains(room.name) } ?? true
    if isAsked, FileManager.default.fileExists(atPath: Context.packageDirectory + "/" + tests) {
        usedLibraries.formUnion(room.testNeeds)
        // A package that no target names is warned of. These tests name what is pinned; no program links it for that.
        let pinned = isWhole && room.name == "Launch" ? brought.map(\.dependency) : []
        targets.append(
            .testTarget(
                name: room.name + "Tests",
                dependencies: dependencies + (room.testNeeds + [room.name]).compactMap(dependency) + pinned,
                path: tests, swiftSettings: settings))
    }
}

// The driver of `Scripts/bench score`, only where it is asked for.
if Context.environment["LODESTORE_BENCHMARKS"] == "1" {
    targets.append(
        .executableTarget(
            name: "score-driver", dependencies: ["ModelFormat", "ModelImage", "Scoring"],
            path: "Benchmarks/ScoreDriver",
            swiftSettings: settings))
}

var packages: [Package.Dependency] = []
var listed: Set<String> = []
for library in libraries where usedLibraries.contains(library.product) && listed.insert(library.package).inserted {
    packages.append(.package(url: library.url, exact: library.version))
}
if isWhole { packages += brought.map { .package(url: $0.url, exact: $0.version) } }

let package = Package(
    name: "lodestore",
    dependencies: packages,
    targets: targets,
    cxxLanguageStandard: .cxx17
)
