import Client
import EventLoop
import Filesystem
import Logging
import Protocol
import Synchronization
import TestSupport
import Testing

/// A host of the cluster: a filesystem on a loop of its own, and a program that uses it.
struct Host: Sendable {
    let loop: EventLoop
    let filesystem: Filesystem
    let observer: RecordingObserver
    let losses: LossRecord
    /// Where its tests work.
    let directory: NodeID

    private static let runs = Atomic(0)

    /// Runs `body` with hosts that work in one new directory.
    static func run(
        _ count: Int = 1, options: FilesystemOptions = FilesystemOptions(), client: ClientOptions = ClientOptions(),
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: @escaping @Sendable ([Host]) async throws -> Void
    ) async throws {
        try await run(
            Array(repeating: options, count: count), client: client, sourceLocation: sourceLocation, body)
    }

    /// The same with hosts that differ.
    static func run(
        _ options: [FilesystemOptions], client: ClientOptions = ClientOptions(),
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: @escaping @Sendable ([Host]) async throws -> Void
    ) async throws {
        let cluster = try #require(RunningCluster.current, sourceLocation: sourceLocation)
        let run = runs.add(1, ordering: .relaxed).newValue
        let place = "\(sourceLocation.fileID):\(sourceLocation.line)"
        let name = Array("test \(run) \(place)".utf8.map { $0 == 0x2f ? 0x20 : $0 })
        var hosts: [Host] = []
        for options in options {
            let (observer, losses) = (RecordingObserver(), LossRecord())
            let (filesystem, loop) = try await start(cluster.registry, observer, losses, options, client)
            let found =
                hosts.isEmpty
                ? try await filesystem.makeDirectory(name, in: .root) : try await filesystem.lookup(name, in: .root)
            hosts.append(
                Host(
                    loop: loop, filesystem: filesystem, observer: observer, losses: losses, directory: found.node))
        }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(hosts))
        } catch {
            result = .failure(error)
        }
        for host in hosts {
            await host.filesystem.client.close()
            host.loop.stop()
        }
        try result.get()
    }

    private static func start(
        _ registry: SocketAddress, _ observer: RecordingObserver, _ losses: LossRecord, _ options: FilesystemOptions,
        _ clientOptions: ClientOptions
    ) async throws -> (Filesystem, EventLoop) {
        let (filesystem, loop): (Filesystem, EventLoop) = try await withCheckedThrowingContinuation { continuation in
            do {
                let (_, thread) = try EventLoop.startThread(name: "host") { loop in
                    continuation.resume(
                        with: Result {
                            let filesystem = Filesystem(
                                client: try Client(loop: loop, registries: [registry], options: clientOptions),
                                creators: TestCreators(), observer: observer, options: options,
                                logger: losses.logger)
                            return (filesystem, loop)
                        })
                }
                thread.detach()
            } catch {
                continuation.resume(throwing: error)
            }
        }
        try await filesystem.client.start()
        try await filesystem.begin()
        return (filesystem, loop)
    }
}

extension Host {
    func create(_ name: String, _ mode: OpenMode = .writing) async throws -> CreatedFile {
        try await filesystem.create(Array(name.utf8), in: directory, mode, by: .unknown)
    }

    func open(_ name: String, _ mode: OpenMode) async throws -> HandleID {
        let entry = try await filesystem.lookup(Array(name.utf8), in: directory)
        return try await filesystem.open(entry.node, mode, by: .unknown).handle
    }

    func write(_ handle: HandleID, _ text: String, at offset: UInt64 = 0, appends: Bool = false) async throws {
        try await onLoop { try await filesystem.write(handle, Array(text.utf8), at: offset, appends: appends) }
    }

    func synchronize(_ handle: HandleID) async throws {
        try await onLoop { try await filesystem.synchronize(handle) }
    }

    /// As front ends do it: a task that prefers the loop runs on without a pause when one operation of the filesystem
    /// calls another, and everybody else lets others run in between.
    private func onLoop(_ body: () async throws -> Void) async throws {
        try await withTaskExecutorPreference(filesystem.loop, operation: body)
    }

    /// Closes the only descriptor of a handle.
    func close(_ handle: HandleID) async throws {
        do {
            try await filesystem.close(handle, by: .unknown)
        } catch {
            await filesystem.release(handle)
            throw error
        }
        await filesystem.release(handle)
    }

    /// A program that writes a file from the beginning.
    func store(_ name: String, _ text: String) async throws {
        let handle = try await create(name).opened.handle
        try await write(handle, text)
        try await close(handle)
    }

    /// A program that changes some bytes of a file.
    func edit(_ name: String, _ text: String, at offset: UInt64) async throws {
        let handle = try await open(name, .writing)
        try await write(handle, text, at: offset)
        try await close(handle)
    }

    /// A program that adds to a file.
    func append(_ name: String, _ text: String) async throws {
        let entry = try await filesystem.lookup(Array(name.utf8), in: directory)
        let handle = try await filesystem.open(entry.node, .appending, by: .unknown).handle
        try await write(handle, text, at: entry.attributes.size, appends: true)
        try await close(handle)
    }

    func size(_ name: String) async throws -> UInt64 {
        let attributes = try await filesystem.lookup(Array(name.utf8), in: directory).attributes
        await filesystem.forget(attributes.node, 1)
        return attributes.size
    }

    func truncate(_ name: String, to size: UInt64, through handle: HandleID? = nil) async throws {
        let entry = try await filesystem.lookup(Array(name.utf8), in: directory)
        _ = try await filesystem.setAttributes(entry.node, AttributeChange(size: size), through: handle)
    }

    /// A program that reads a file whole.
    func contents(_ name: String) async throws -> String {
        let handle = try await open(name, .reading)
        let text = try await read(handle)
        try await close(handle)
        return text
    }

    func read(_ handle: HandleID) async throws -> String {
        String(decoding: try await filesystem.read(handle, at: 0, count: 1 << 20).bytes, as: UTF8.self)
    }

    func unlink(_ name: String, by caller: Caller = .unknown) async throws {
        try await filesystem.unlink(Array(name.utf8), in: directory, by: caller)
    }

    func rename(
        _ name: String, to other: String, replaces: Bool = true, by caller: Caller = .unknown
    ) async throws {
        try await filesystem.rename(
            Array(name.utf8), in: directory, to: Array(other.utf8), in: directory, replaces: replaces, by: caller)
    }

    /// The version that a name leads to.
    func target(_ name: String) async throws -> InodeID {
        try await filesystem.client.target(of: Array(name.utf8), in: directory.inode)
    }

    func node(_ name: String) async throws -> NodeID {
        let node = try await filesystem.lookup(Array(name.utf8), in: directory).node
        await filesystem.forget(node, 1)
        return node
    }
}

extension OpenMode {
    static let reading = OpenMode(reads: true)
    static let writing = OpenMode(writes: true)
    static let readingAndWriting = OpenMode(reads: true, writes: true)
    static let readingAndAppending = OpenMode(reads: true, writes: true, appends: true)
    static let appending = OpenMode(writes: true, appends: true)
    static let truncating = OpenMode(writes: true, truncates: true)
}

/// The errno that something fails with; 0: it does not fail.
func code(_ body: () async throws -> Void) async throws -> Int32 {
    do {
        try await body()
        return 0
    } catch let error as FilesystemError {
        return error.code
    }
}
