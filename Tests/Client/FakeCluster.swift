import Client
import EventLoop
import Protocol

/// A client and a cluster for it, all on one loop of their own thread.
struct FakeCluster: Sendable {
    let loop: EventLoop
    let shards: FakeShards
    let blocks: FakeBlockServices
    let client: Client

    private struct Source: AddressSource {
        let address: AddrsInfo
        let supported: Set<ProtocolExtension>
        let blocks: FakeBlockServices

        func addresses() async throws(ClientError) -> ClusterAddresses {
            guard let addresses = ClusterAddresses(shards: Array(repeating: address, count: 256), cdc: address) else {
                throw ClientError(.malformedAnswer, "test")
            }
            return addresses
        }

        func totals() async throws(ClientError) -> InfoResponse { throw ClientError(.unavailable, "test") }
        func blockServices() async throws(ClientError) -> [BlockServiceDeprecatedInfo] { blocks.infos }
        func extensions() async -> Set<ProtocolExtension>? { supported }
        func defaultOwnership() async throws(ClientError) -> DefaultOwnershipResponse {
            DefaultOwnershipResponse(isSet: true, uid: 7, gid: 8, fileMode: 0o640, directoryMode: 0o750)
        }
        func close() async {}
    }

    /// Runs `body` on the loop with a started client, and closes everything afterwards.
    static func run<T: Sendable>(
        parity: Parity = Parity(data: 4, parity: 2), largestSpan: UInt32 = 1 << 20, stripe: UInt32 = 65536,
        services: Int = 8, options: ClientOptions = testOptions, extensions: Set<ProtocolExtension> = [.fetchPageSums],
        _ body: @escaping @Sendable (FakeCluster) async throws -> T
    ) async throws -> T {
        let result: Result<T, any Error> = await withCheckedContinuation { continuation in
            do {
                let (loop, thread) = try EventLoop.startThread(name: "test") { loop in
                    do {
                        let info = try DirectoryInfo.sternaRootDefault(
                            span: .uniform(parity, maxSize: largestSpan), block: .uniform(.flash),
                            stripe: StripePolicy(targetStripeSize: stripe))
                        let cluster = try FakeCluster(loop, info, services, options, extensions)
                        loop.task { continuation.resume(returning: await cluster.run(body)) }
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
                _ = loop
                thread.detach()
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Quick repetition, so that losses cost little time.
    static let testOptions: ClientOptions = {
        var options = ClientOptions()
        options.shardTiming = RetryTiming(
            initialNanoseconds: 20_000_000, longestNanoseconds: 100_000_000, overallNanoseconds: 3_000_000_000)
        options.writeTimeoutNanoseconds = 20_000_000_000
        options.fullNanoseconds = 0
        options.blockStallNanoseconds = 2_000_000_000
        return options
    }()

    private init(
        _ loop: EventLoop, _ info: DirectoryInfo, _ services: Int, _ options: ClientOptions,
        _ extensions: Set<ProtocolExtension>
    ) throws {
        self.loop = loop
        blocks = try FakeBlockServices(on: loop, count: services)
        shards = try FakeShards(on: loop, blocks: blocks, info: info)
        let source = Source(address: shards.address, supported: extensions, blocks: blocks)
        client = try Client(loop: loop, source: source, options: options)
    }

    private func run<T: Sendable>(_ body: @Sendable (FakeCluster) async throws -> T) async -> Result<T, any Error> {
        let result: Result<T, any Error>
        do {
            try await client.start()
            result = .success(try await body(self))
        } catch {
            result = .failure(error)
        }
        await client.close()
        shards.close()
        blocks.close()
        loop.stop()
        return result
    }
}
