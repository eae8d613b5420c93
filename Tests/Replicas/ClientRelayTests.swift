import Consensus
import EventLoop
import Metrics
import Protocol
import Replicas
import TestLog
import Testing

/// A socket of which the test sees what is sent.
private final class NotedSocket: ClientSocket {
    let localAddress = SocketAddress(address: 1, port: 1)
    var onDatagram: ((UnsafeRawBufferPointer, SocketAddress) -> Void)?
    private(set) var sent: [(bytes: [UInt8], client: SocketAddress)] = []

    func send(to client: SocketAddress, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        var room = [UInt8](repeating: 0, count: 100)
        let length = room.withUnsafeMutableBytes(fill)
        sent.append((Array(room.prefix(length)), client))
    }

    func close() {}
}

/// Three replicas, each with two sockets, which answer what they are sent with one more byte: their number.
private final class RelayingGroup {
    let replicas: HandDrivenGroup<TestState>
    let refused = Counter()
    private(set) var relays: [ClientRelay] = []
    private(set) var sockets: [[NotedSocket]] = []
    /// Which replicas have worked on what.
    private(set) var done: [(place: Int, bytes: [UInt8], way: ClientWay)] = []

    static let client = SocketAddress(address: 7, port: 77)
    /// What a datagram begins with that is for the replica that gets it.
    static let forReplica: UInt8 = 0xee

    init() throws {
        replicas = try HandDrivenGroup { store, prefix in try TestState(store, prefix: prefix) }
        for (number, place) in replicas.places.enumerated() {
            let relay = ClientRelay(
                to: place.replica, over: place.exchange, ClientRelay.Counters(passedOn: Counter(), refused: refused),
                now: { [replicas] in BootInstant(nanoseconds: replicas.nanoseconds) },
                isForReplica: { $0.first == Self.forReplica })
            relay.onDatagram = { [unowned self, unowned relay] datagram, way in
                done.append((number, Array(datagram), way))
                relay.answer(way) { room in
                    room.copyBytes(from: Array(datagram) + [UInt8(number)])
                    return datagram.count + 1
                }
            }
            place.exchange.relays.request = unchecked { relay.receive($0, from: $1) }
            place.exchange.relays.answer = unchecked { relay.receive($0) }
            let pair = [NotedSocket(), NotedSocket()]
            for socket in pair { relay.add(socket) }
            relays.append(relay)
            sockets.append(pair)
            place.replica.start()
        }
    }

    /// Everything here is done by one thread.
    private func unchecked<each Value>(_ body: @escaping (repeat each Value) -> Void)
        -> @Sendable (repeat each Value) -> Void
    {
        nonisolated(unsafe) let body = body
        return { (value: repeat each Value) in body(repeat each value) }
    }

    func send(_ bytes: [UInt8], to place: Int, socket: Int = 0) {
        bytes.withUnsafeBytes { sockets[place][socket].onDatagram?($0, Self.client) }
        replicas.settle()
    }

    /// What clients were sent through a socket.
    func answers(_ place: Int, _ socket: Int) -> [[UInt8]] { sockets[place][socket].sent.map(\.bytes) }
}

@Suite struct ClientRelayTests {
    private func relayingGroup() throws -> (group: RelayingGroup, leader: Int, follower: Int) {
        let group = try RelayingGroup()
        let leader = try group.replicas.awaitLeader()
        return (group, leader, (leader + 1) % 3)
    }

    @Test func theLeaderAnswersThroughTheSocketThatWasAsked() throws {
        let (group, leader, _) = try relayingGroup()
        group.send([1, 2], to: leader, socket: 1)
        #expect(group.answers(leader, 1) == [[1, 2, UInt8(leader)]])
        #expect(group.sockets[leader][1].sent[0].client == RelayingGroup.client)
        #expect(group.answers(leader, 0).isEmpty)
    }

    @Test func aFollowerPassesOnAndTheAnswerBack() throws {
        let (group, leader, follower) = try relayingGroup()
        group.send([3], to: follower, socket: 1)
        #expect(group.done.map(\.place) == [leader])
        #expect(group.done[0].way.relay == group.replicas.places[follower].replica.member.slot)
        #expect(group.done[0].way.client == RelayingGroup.client)
        #expect(group.answers(follower, 1) == [[3, UInt8(leader)]])
        #expect(group.sockets[follower][1].sent[0].client == RelayingGroup.client)
        #expect(group.answers(leader, 1).isEmpty)
    }

    @Test func whatIsForTheReplicaStays() throws {
        let (group, _, follower) = try relayingGroup()
        group.send([RelayingGroup.forReplica], to: follower)
        #expect(group.done.map(\.place) == [follower])
    }

    /// A follower that was taken for the leader passes nothing on; once it leads itself it answers.
    @Test func whatWasPassedOnGoesNoFurther() throws {
        let (group, _, follower) = try relayingGroup()
        let other = try #require(ReplicaSlot(rawValue: UInt8((follower + 1) % 3)))
        let request = RelayedRequest(
            group: GroupNumber(rawValue: 0), address: 7, port: 77, socket: 1, datagram: [4])
        group.relays[follower].receive(request, from: other)
        group.replicas.settle()
        #expect(group.done.isEmpty)
        try group.replicas.lead(follower)
        group.relays[follower].receiveHeld()
        group.replicas.settle()
        #expect(group.done.map(\.place) == [follower])
        #expect(group.done.first?.way.relay == other)
    }

    /// Whoever is held again has waited from the beginning.
    @Test func whatIsHeldAgainGrowsNoYounger() throws {
        let (group, _, follower) = try relayingGroup()
        let other = try #require(ReplicaSlot(rawValue: UInt8((follower + 1) % 3)))
        let request = RelayedRequest(
            group: GroupNumber(rawValue: 0), address: 7, port: 77, socket: 1, datagram: [5])
        group.relays[follower].receive(request, from: other)
        for _ in 0..<3 {
            group.replicas.pass(milliseconds: 400)
            group.relays[follower].receiveHeld()
        }
        try group.replicas.lead(follower)
        group.relays[follower].receiveHeld()
        #expect(group.done.isEmpty)
    }

    @Test func anAnswerForASocketThatThereIsNotIsRefused() throws {
        let (group, _, follower) = try relayingGroup()
        let answer = RelayedAnswer(
            group: GroupNumber(rawValue: 0), address: 7, port: 77, socket: 2, datagram: [1])
        group.relays[follower].receive(answer)
        #expect(group.refused.value == 1)
        let large = RelayedAnswer(
            group: GroupNumber(rawValue: 0), address: 7, port: 77, socket: 1,
            datagram: [UInt8](repeating: 0, count: UDPSocket.maximumDatagramSize + 1))
        group.relays[follower].receive(large)
        #expect(group.refused.value == 2)
        #expect(group.answers(follower, 1).isEmpty)
    }
}
