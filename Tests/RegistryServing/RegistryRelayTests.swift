import Consensus
import Protocol
import RegistryCore
import RegistryServing
import Testing

/// A registry with several replicas, of which those that do not lead pass on what their clients ask.
struct RegistryRelayTests {
    private let group: RegistryGroup
    private let leader: Int
    private var follower: Int { (leader + 1) % 3 }

    init() throws {
        group = try RegistryGroup(passesOn: true)
        group.begin()
        leader = try group.replicas.awaitLeader()
        group.replicas.pass(milliseconds: 500)
    }

    @Test func clientsOfAFollowerReadAndChange() throws {
        #expect(group.ask(RegistryGroup.creation(of: 1), at: follower).isDone)
        #expect(try group.locationCount(in: group.ask(RegistryGroup.locations, at: follower)) == 2)
        #expect(try group.locationCount(in: group.ask(RegistryGroup.locations, at: leader)) == 2)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }

    @Test func refusalsComeBackAsTheyAre() {
        #expect(group.ask(RegistryGroup.creation(of: 1), at: leader).isDone)
        let direct = group.ask(RegistryGroup.creation(of: 1), at: leader).replies
        #expect(group.ask(RegistryGroup.creation(of: 1), at: follower).replies == direct)
    }

    @Test func longRepliesComeInParts() {
        #expect(group.registerDisks(1...4000, at: follower).isDone)
        let request = AnyRegistryRequest.allBlockServicesDeprecated(AllBlockServicesDeprecatedRequest())
        let reply = group.ask(request, at: follower).replies
        guard case .success(let response)?? = reply.first else {
            Issue.record("no reply")
            return
        }
        #expect(response.encodedSize > 300_000)
        #expect(reply == group.ask(request, at: leader).replies)
    }

    @Test func ofItselfAFollowerTells() {
        let request = AnyRegistryRequest.registryReplicaStatus(RegistryReplicaStatusRequest())
        guard case .success(.registryReplicaStatus(let response))?? = group.ask(request, at: follower).replies.first
        else {
            Issue.record("no status")
            return
        }
        #expect(Int(response.status.replica.rawValue) == follower && !response.status.leads)
    }

    @Test func whoAsksBeforeALeaderIsKnownIsPassedOn() throws {
        let group = try RegistryGroup(passesOn: true)
        let waiting = group.replicas.places.indices.map { group.ask(RegistryGroup.locations, at: $0) }
        group.begin()
        _ = try group.replicas.awaitLeader()
        group.replicas.pass(milliseconds: 500)
        #expect(waiting.allSatisfy { $0.isDone })
    }

    @Test func whatWasPassedOnToWhoLeadsNoMoreIsLetGo() throws {
        group.replicas.cutOff(leader)
        let outcome = group.ask(RegistryGroup.creation(of: 1), at: follower)
        #expect(outcome.replies.isEmpty)
        _ = try group.replicas.awaitLeader()
        group.replicas.pass(milliseconds: 500)
        #expect(outcome.isLetGo)
        #expect(group.ask(RegistryGroup.creation(of: 1), at: follower).isDone)
    }

    /// An earlier program knows nothing of such calls.
    @Test func aLeaderThatSaysNothingIsNotWaitedForForEver() {
        group.replicas.places[leader].exchange.relays.call = nil
        let outcome = group.ask(RegistryGroup.locations, at: follower)
        #expect(outcome.replies.isEmpty)
        group.replicas.pass(milliseconds: 11_000)
        #expect(outcome.isLetGo)
    }

    @Test func whatIsPassedOnGoesNoFurther() throws {
        let request = try RegistryFrame.encoded(RegistryGroup.locations)
        let other = try #require(ReplicaSlot(rawValue: UInt8((follower + 1) % 3)))
        let slot = (follower + 1) % 3
        var replies: [RelayedReply] = []
        nonisolated(unsafe) let note: (RelayedReply) -> Void = { replies.append($0) }
        group.replicas.places[slot].exchange.relays.reply = { note($0) }
        let call = RelayedCall(group: .registry, number: 5, request: request)
        group.relays[follower].receive(call, from: other)
        group.replicas.settle()
        #expect(replies == [RelayedReply(group: .registry, number: 5, offset: 0, part: [], isLast: true)])
    }

    @Test func whatMakesNoSenseIsNotAnswered() {
        group.replicas.places[leader].exchange.relays.call = nil
        let outcome = group.ask(RegistryGroup.locations, at: follower)
        group.relays[follower].receive(
            RelayedReply(group: .registry, number: 77, offset: 0, part: [1, 2, 3], isLast: true))
        #expect(outcome.replies.isEmpty)
        group.relays[follower].receive(
            RelayedReply(group: .registry, number: 1, offset: 0, part: [1, 2, 3], isLast: true))
        #expect(outcome.isLetGo)
    }

    /// A part got lost: what is left would pass for a reply.
    @Test func aReplyThatLacksAPartIsNone() throws {
        group.replicas.places[leader].exchange.relays.call = nil
        let outcome = group.ask(RegistryGroup.locations, at: follower)
        let reply = try RegistryFrame.encoded(.success(.locations(LocationsResponse(locations: []))))
        group.relays[follower].receive(
            RelayedReply(group: .registry, number: 1, offset: 10, part: reply, isLast: true))
        #expect(outcome.isLetGo)
    }
}
