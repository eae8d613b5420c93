import EventLoop
import Glibc
import Protocol
import TestServices
import TestSupport
import Testing

/// Several of the built daemon, with replicas of the same shards.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ReplicaTests {
    /// Processes with replicas of one shard, and where they listen for each other.
    private final class Group {
        let registry: FakeRegistry
        private let directory: TemporaryDirectory
        private let ports: [UInt16]

        init(_ count: Int) throws {
            directory = try TemporaryDirectory("shards")
            registry = try FakeRegistry()
            let sockets = try (0..<count).map { _ in try TestSocket.listening() }
            ports = sockets.map(\.port)
            for (socket, _) in sockets { socket.shutDown() }
        }

        func start(_ slot: Int, _ arguments: [String] = []) throws -> ShardProcess {
            let peers = ports.enumerated().map { "\($0)=127.0.0.1:\($1)" }.joined(separator: ",")
            return try ShardProcess(
                shards: "0", data: "\(directory.path)/\(slot)", registry: registry.address,
                ["--replica", "\(slot)", "--peers", peers] + arguments)
        }

        func client(_ slot: UInt8) throws -> DatagramClient {
            let row = FakeRegistry.ReplicaRow(
                group: GroupNumber(ShardID(rawValue: 0)), replica: ReplicaID(rawValue: slot))
            let address = registry.state.withLock { $0.replicas[row]?.address }
            return try DatagramClient(try #require(address))
        }

        /// What the replica in a slot says of itself.
        func status(_ slot: UInt8) throws -> ReplicaStatus {
            try client(slot).call(ShardReplicaStatusRequest()).get().status
        }
    }

    @Test func everyReplicaServesClientsAndAnswersForItself() throws {
        let group = try Group(3)
        let processes = [try group.start(0, ["--found"]), try group.start(1), try group.start(2)]
        for slot in 0..<3 as Range<UInt8> {
            let client = try group.client(slot)
            let file = try client.makeFile("file \(slot)")
            for other in 0..<3 as Range<UInt8> {
                let lookup = LookupRequest(dirId: .root, name: Array("file \(slot)".utf8))
                #expect(try group.client(other).call(lookup).get().targetId == file)
            }
        }
        let statuses = try (0..<3).map { try group.status($0) }
        #expect(statuses.map(\.replica.rawValue) == [0, 1, 2])
        #expect(statuses.count { $0.leads } == 1)
        #expect(Set(statuses.map(\.leader)).count == 1)
        for process in processes.reversed() { #expect(process.kill(SIGTERM) == 0) }
    }

    /// An empty disk must not take the place of a shard that others have.
    @Test func whatWasServedBeforeIsNotBegunAgain() throws {
        let group = try Group(3)
        let row = FakeRegistry.ReplicaRow(group: GroupNumber(ShardID(rawValue: 0)), replica: ReplicaID(rawValue: 1))
        group.registry.state.withLock { $0.replicas[row] = (SocketAddress.loopback(port: 9), Term(rawValue: 3)) }
        #expect(throws: TestFailure.self) { try group.start(0, ["--found"]) }
    }

    @Test func optionsThatMakeNoSenseAreRefused() throws {
        let group = try Group(1)
        #expect(throws: TestFailure.self) { try group.start(4) }
        #expect(throws: TestFailure.self) { try group.start(9) }
    }
}
