import EventLoop
import TestServices
import Testing

/// Who gives way when there are too many connections.
@Suite struct AcceptedConnectionsTests {
    private final class Client: AcceptedConnection {
        let peer: SocketAddress
        var standing: ConnectionStanding
        var isOver = false
        unowned let table: AcceptedConnections<Client>

        init(_ host: UInt32, _ standing: ConnectionStanding, in table: AcceptedConnections<Client>) {
            peer = SocketAddress(address: host, port: UInt16(truncatingIfNeeded: table.count))
            self.standing = standing
            self.table = table
            table.insert(self)
        }

        func hasExpired(at now: UInt64) -> Bool { isOver }

        func close() { table.remove(self) }
    }

    /// A table with clients of the given hosts, and which of them are left after one more of `newcomer` came; nil when it
    /// was not let in.
    private func left(
        of clients: [(host: UInt32, standing: ConnectionStanding)], total: Int, perPeer: Int? = nil, newcomer: UInt32
    ) async throws -> [Int]? {
        try await onLoop { loop, finish in
            let table = AcceptedConnections<Client>(on: loop, ConnectionLimits(total: total, perPeer: perPeer))
            let made = clients.map { Client($0.host, $0.standing, in: table) }
            guard table.admit(SocketAddress(address: newcomer, port: 1)) else { return finish(nil) }
            let all = Set(table.all.map(ObjectIdentifier.init))
            finish(made.indices.filter { all.contains(ObjectIdentifier(made[$0])) })
        }
    }

    @Test func whileThereIsRoomNobodyGoes() async throws {
        #expect(try await left(of: [(1, .silent(since: 0))], total: 2, newcomer: 1) == [0])
    }

    @Test func silentOnesGoFirstThenStalledOnesThenIdleOnes() async throws {
        let clients: [(UInt32, ConnectionStanding)] = [
            (1, .idle(since: 0)), (1, .stalled(since: 0)), (1, .silent(since: 7)), (1, .silent(since: 5)), (1, .busy),
        ]
        #expect(try await left(of: clients, total: 5, newcomer: 1) == [0, 1, 2, 4])
        #expect(try await left(of: [clients[0], clients[1], clients[4]], total: 3, newcomer: 1) == [0, 2])
        #expect(try await left(of: [clients[0], (1, .idle(since: 9)), clients[4]], total: 3, newcomer: 1) == [1, 2])
    }

    @Test func whoeverIsWorkedForOrHasJustMovedStays() async throws {
        let isAdmitted = try await onLoop { loop, finish in
            let table = AcceptedConnections<Client>(on: loop, ConnectionLimits(total: 2))
            let moved = loop.monotonicNanoseconds
            let present = [Client(1, .busy, in: table), Client(1, .stalled(since: moved), in: table)]
            finish(withExtendedLifetime(present) { table.admit(SocketAddress(address: 2, port: 1)) })
        }
        #expect(!isAdmitted)
    }

    @Test func theHostWithMostGivesWay() async throws {
        let clients: [(UInt32, ConnectionStanding)] = [
            (1, .silent(since: 0)), (2, .idle(since: 8)), (2, .idle(since: 9)), (3, .idle(since: 0)),
        ]
        #expect(try await left(of: clients, total: 4, newcomer: 3) == [0, 2, 3])
        // And where it has none to give, the others.
        #expect(try await left(of: [(1, .idle(since: 0)), (2, .busy), (2, .busy)], total: 3, newcomer: 3) == [1, 2])
    }

    @Test func aHostAtItsLimitGivesWayToItselfOnly() async throws {
        let clients: [(UInt32, ConnectionStanding)] = [(1, .busy), (1, .busy), (2, .silent(since: 0))]
        #expect(try await left(of: clients, total: 9, perPeer: 2, newcomer: 1) == nil)
        #expect(try await left(of: clients, total: 9, perPeer: 2, newcomer: 2) == [0, 1, 2])
        let idle: [(UInt32, ConnectionStanding)] = [(1, .idle(since: 0)), (1, .busy), (2, .silent(since: 0))]
        #expect(try await left(of: idle, total: 9, perPeer: 2, newcomer: 1) == [1, 2])
    }

    @Test func limitsMakeSense() {
        #expect(ConnectionLimits(total: 4000).perPeer == 2000)
        #expect(ConnectionLimits(total: 100).perPeer == 64)
        #expect(ConnectionLimits(total: 10).perPeer == 10)
        #expect(ConnectionLimits(total: 10, perPeer: 50).perPeer == 10)
        #expect(ConnectionLimits(total: 1 << 40).fitting(descriptorsEach: 2, reserve: 200).total < 1 << 39)
        #expect(ConnectionLimits(total: 5).fitting(descriptorsEach: 1, reserve: .max).total == 1)
    }

    @Test func expiredOnesAreSweptAway() async throws {
        let left: [UInt32] = try await onLoop { loop, finish in
            let table = AcceptedConnections<Client>(
                on: loop, ConnectionLimits(total: 9), sweepNanoseconds: 1_000_000)
            let clients = (1...3).map { Client($0, .idle(since: 0), in: table) }
            clients[1].isOver = true
            loop.timer(afterNanoseconds: 1_000_000, repeatingNanoseconds: 1_000_000) {
                guard table.count < clients.count else { return }
                finish(table.all.map(\.peer.address).sorted())
            }
        }
        #expect(left == [1, 3])
    }
}
