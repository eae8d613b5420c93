import Client
import EventLoop
import Filesystem
import Protocol
import TestServices

/// Stands for all 256 shards of a cluster that knows the base protocol only, and answers as a test says, when it says.
///
/// `@unchecked Sendable`: used on its loop only.
final class FakeShard: @unchecked Sendable {
    typealias Reply = (Result<AnyShardResponse, ProtocolError>) -> Void

    private let socket: UDPSocket
    /// What it does with a request.
    var answer: (AnyShardRequest, @escaping Reply) -> Void = { _, _ in }
    /// How many requests have come, each counted once however often a busy machine sends it.
    var count: Int { ids.count }
    private var ids: Set<UInt64> = []

    init(on loop: EventLoop) throws {
        socket = try UDPSocket(on: loop, binding: .loopback(port: 0))
        socket.onDatagram = { [weak self] datagram, sender in self?.receive(datagram, sender) }
    }

    func close() { socket.close() }

    private func receive(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        guard let packet = try? PlainPacket(datagram, expecting: .shardRequest),
            let kind = ShardKind(rawValue: packet.kind)
        else { return }
        var reader = WireReader(packet.body)
        guard let request = try? AnyShardRequest.decode(kind: kind, from: &reader) else { return }
        let id = packet.requestID
        ids.insert(id)
        answer(request) { [socket] result in socket.answer(result, kind, id, to: sender) }
    }

    /// Runs `body` on the loop with a filesystem whose cluster this is.
    static func run<T: Sendable>(
        _ options: FilesystemOptions = FilesystemOptions(),
        _ body: @escaping @Sendable (FakeShard, isolated Filesystem) async throws -> T
    ) async throws -> T {
        let result: Result<T, any Error> = await withCheckedContinuation { continuation in
            do {
                let (_, thread) = try EventLoop.startThread(name: "test") { loop in
                    do {
                        let shard = try FakeShard(on: loop)
                        let client = try Client(
                            loop: loop, source: Source(socket: shard.socket), options: clientOptions)
                        let filesystem = Filesystem(
                            client: client, creators: TestCreators(), observer: RecordingObserver(), options: options,
                            logger: LossRecord().logger)
                        loop.task {
                            let outcome: Result<T, any Error>
                            do {
                                try await client.start()
                                try await filesystem.begin()
                                outcome = .success(try await body(shard, filesystem))
                            } catch {
                                outcome = .failure(error)
                            }
                            await client.close()
                            shard.close()
                            loop.stop()
                            continuation.resume(returning: outcome)
                        }
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
                thread.detach()
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    private static let clientOptions: ClientOptions = {
        var options = ClientOptions()
        options.shardTiming.overallNanoseconds = 3_000_000_000
        return options
    }()

    private struct Source: AddressSource {
        let address: AddrsInfo

        init(socket: UDPSocket) {
            let place = socket.localAddress
            address = AddrsInfo(
                addr1: IpPort(addrs: IPv4Address(rawValue: place.address), port: place.port),
                addr2: IpPort(addrs: .any, port: 0))
        }

        func addresses() async throws(ClientError) -> ClusterAddresses {
            guard let addresses = ClusterAddresses(shards: Array(repeating: address, count: 256), cdc: address) else {
                throw ClientError(.malformedAnswer, "test")
            }
            return addresses
        }

        func totals() async throws(ClientError) -> InfoResponse { throw ClientError(.unavailable, "test") }
        func blockServices() async throws(ClientError) -> [BlockServiceDeprecatedInfo] { [] }
        func extensions() async -> Set<ProtocolExtension>? { [] }
        func defaultOwnership() async throws(ClientError) -> DefaultOwnershipResponse {
            throw ClientError(.unavailable, "test")
        }
        func close() async {}
    }
}
