import Consensus
import Protocol
import ReplicatedLog
import Store
import TestLog
import Testing

/// Where a client's request goes that has come to one of several replicas.
@Suite struct RequestRouteTests {
    private func group() throws -> HandDrivenGroup<TestState> {
        let group = try HandDrivenGroup { store, prefix in try TestState(store, prefix: prefix) }
        for place in group.places {
            place.replica.onDelivery = { [state = place.state] entry in
                do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
            }
            place.replica.start()
        }
        group.pass(milliseconds: 3000)
        return group
    }

    @Test func theLeaderWorksOnItAndTheOthersPassItOnOnce() throws {
        let replicas = try group().places.map(\.replica)
        let leader = try #require(replicas.first { $0.serves })
        #expect(leader.route(isPassedOn: false) == .here && leader.route(isPassedOn: true) == .here)
        for follower in replicas where follower !== leader {
            #expect(follower.route(isPassedOn: false) == .passedOn(to: leader.member.slot))
            #expect(follower.route(isPassedOn: true) == .nowhere)
        }
    }

    @Test func withoutALeaderItGoesNowhere() throws {
        let group = try group()
        for place in group.places.indices { group.cutOff(place) }
        group.pass(milliseconds: 3000)
        for place in group.places {
            #expect(place.replica.route(isPassedOn: false) == .nowhere)
            #expect(place.replica.route(isPassedOn: true) == .nowhere)
        }
    }
}
