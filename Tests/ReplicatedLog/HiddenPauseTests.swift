import Consensus
import Protocol
import ReplicatedLog
import TestLog
import Testing

/// A machine that stood still without its clock noticing: its wall clock was put right afterwards.
@Suite struct HiddenPauseTests {
    private let group: HandDrivenGroup<TestState>
    private let leader: Int

    init() throws {
        group = try HandDrivenGroup { store, prefix in try TestState(store, prefix: prefix) }
        for place in group.places {
            place.replica.onDelivery = { [state = place.state] entry in
                do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
            }
            place.replica.start()
        }
        leader = try group.awaitLeader()
        group.pass(milliseconds: 300)
    }

    private var place: HandDrivenGroup<TestState>.Place { group.places[leader] }

    /// Lets the wall clock of the leader's machine run on.
    private func set(forward microseconds: UInt64) { place.wallAhead.add(microseconds * 1000) }

    @Test func theLeaseIsGoneAndComesBackWithTheNextHeartbeat() {
        #expect(place.replica.mayReadNow)
        set(forward: 300_000)
        #expect(!place.replica.mayReadNow && place.replica.serves)
        group.pass(milliseconds: 200)
        #expect(place.replica.mayReadNow)
    }

    @Test func aReadIsConfirmedAnew() throws {
        set(forward: 300_000)
        group.cutOff(leader)
        var isAnswered = false
        try place.replica.read { isAnswered = true }
        group.pass(milliseconds: 100)
        #expect(!isAnswered)
        group.reconnect(leader)
        group.pass(milliseconds: 200)
        #expect(isAnswered)
    }

    @Test func manySmallOnesCount() {
        var reads = 0
        for _ in 0..<10 {
            set(forward: 900)
            if place.replica.mayReadNow { reads += 1 }
        }
        #expect(reads < 10)
    }

    /// So does a clock that is being corrected, or put back.
    @Test func whatIsLittleOrBackwardsChangesNothing() {
        for _ in 0..<20 {
            set(forward: 20)
            group.pass(milliseconds: 50)
            #expect(place.replica.mayReadNow)
        }
        place.wallAhead.add(0 &- 1_000_000_000)
        #expect(place.replica.mayReadNow)
    }
}
