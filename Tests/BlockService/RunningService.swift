import Foundation
import Protocol
import TestServices
import TestSupport

/// A `sterna-block` process over directories that go away with this object.
final class RunningService {
    let root: String
    let registry: FakeRegistry
    private(set) var process: ChildProcess
    private(set) var services: [RegisterBlockServiceInfo] = []
    private let arguments: [String]

    /// Starts and waits for the registration.
    init(_ arguments: [String] = [], registry: FakeRegistry? = nil, in place: String? = nil) throws {
        root =
            place.map { "\($0)/disks" }
            ?? FileManager.default.temporaryDirectory.appending(path: "sterna-block-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        self.registry = try registry ?? FakeRegistry()
        self.arguments = arguments
        process = try Self.launch(root, self.registry, arguments)
        services = try self.registry.registration()
    }

    deinit {
        process.end(SIGKILL)
        registry.close()
        try? FileManager.default.removeItem(atPath: root)
    }

    func start() throws {
        registry.state.withLock { $0.registered = [] }
        process = try Self.launch(root, registry, arguments)
        services = try registry.registration()
    }

    static func launch(_ root: String, _ registry: FakeRegistry, _ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            "sterna-block",
            ["--registry", "\(registry.address)", "--data", root, "--log-level", "critical"]
                + (arguments.contains("--key-file") ? [] : ["--well-known-key"]) + arguments)
    }

    /// Ends it in good order; its exit status.
    func terminate() -> Int32 { process.end(SIGTERM) }

    func client(_ index: Int = 0) throws -> BlockClient {
        BlockClient(try TestSocket.connected(port: services[index].addrs.addr1.port), services[index])
    }

    /// Files below the disks that are neither blocks' directories nor keys.
    var files: [String] {
        let all = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
        return all.filter { $0.contains("with_crc/") && $0.split(separator: "/").last?.count != 2 }
    }
}
