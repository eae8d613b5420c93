import Client
import Daemon
import Dispatch
import EventLoop
import Foundation
import Protocol
import Synchronization

/// One span of a file as the campaign sees it: where its blocks are.
package struct SpanBlocks: Sendable {
    package struct Block: Sendable {
        let block: BlockID
        let service: BlockServiceID
        /// As a fetch or check is addressed.
        let source: BlockSource
        /// Data bytes; the file on disk has four more for each page.
        let bytes: Int
    }

    let offset: UInt64
    let dataBlocks: Int
    let blocks: [Block]
    var parityBlocks: Int { blocks.count - dataBlocks }
}

/// What the shards and the registry say, for threads that may wait. Thread-safe.
final class ClusterView: Sendable {
    /// A question that was not answered in time.
    struct Timeout: Error, CustomStringConvertible {
        let seconds: Double
        var description: String { "no answer within \(seconds) s" }
    }

    let queries: ClusterQueries
    private let loop: EventLoop
    private let thread: SystemThread

    init(registry: SocketAddress, keyFile: String) throws {
        loop = try EventLoop()
        var options = ClientOptions()
        options.readCacheBytes = 0
        options.pendingWriteBytes = 0
        options.clusterKey = try ClusterKeyFile(keyFile).load()
        queries = ClusterQueries(client: try Client(loop: loop, registries: [registry], options: options), registry)
        let loop = loop
        thread = try SystemThread(name: "cluster-view") { loop.run() }
        try wait { [queries] in try await queries.start() }
    }

    /// Stops the loop; nothing may be asked any more.
    func close() {
        do {
            try wait(seconds: 10) { [queries] in await queries.close() }
        } catch {
            say("the campaign's own client did not close: \(error)")
        }
        loop.stop()
        thread.join()
    }

    /// The spans with blocks of a file below the root.
    func spans(ofPath path: String) throws -> [SpanBlocks] {
        try wait { [queries] in try await queries.spans(of: try await queries.resolve(path)) }
    }

    /// Runs `body` on the loop and waits for its outcome.
    func wait<R: Sendable>(seconds: Double = 60, _ body: @escaping @Sendable () async throws -> R) throws -> R {
        let outcome = Outcome<R>()
        loop.task {
            do { outcome.set(.success(try await body())) } catch { outcome.set(.failure(error)) }
        }
        guard let result = outcome.wait(seconds: seconds) else { throw Timeout(seconds: seconds) }
        return try result.get()
    }
}

/// A result that one thread waits for.
private final class Outcome<R: Sendable>: Sendable {
    private let result = Mutex<Result<R, any Error>?>(nil)
    private let semaphore = DispatchSemaphore(value: 0)

    func set(_ value: Result<R, any Error>) {
        result.withLock { $0 = value }
        semaphore.signal()
    }

    func wait(seconds: Double) -> Result<R, any Error>? {
        guard semaphore.wait(timeout: .now() + seconds) == .success else { return nil }
        return result.withLock { $0 }
    }
}
