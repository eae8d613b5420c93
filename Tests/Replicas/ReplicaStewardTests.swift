import Consensus
import Protocol
import Replicas
import ReplicatedLog
import TestLog
import Testing

/// What operators want of replicas, and what becomes of it.
struct ReplicaStewardTests {
    private typealias Group = HandDrivenGroup<TestState>

    private let group: Group

    init() throws {
        group = try Group { store, prefix in try TestState(store, prefix: prefix) }
        for place in group.places { place.replica.start() }
    }

    /// Lets time pass in processes that look after their groups.
    private func pass(milliseconds: UInt64) {
        for _ in 0..<milliseconds / 100 {
            for place in group.places { place.replica.prefer(ReplicaSteward.preferredLeader(of: place.replica)) }
            group.pass(milliseconds: 100)
        }
    }

    private func steer(_ steering: Steering, _ slot: UInt8) throws -> SteeringOutcome {
        let leader = try group.awaitLeader()
        let outcome = ReplicaSteward.steer(
            group.places[leader].replica, steering, ReplicaID(rawValue: slot))
        group.settle()
        return outcome
    }

    private func status(_ place: Int) -> ReplicaStatus { group.places[place].replica.status }

    @Test func aWishIsKnownToAllAndLasts() throws {
        pass(milliseconds: 3000)
        #expect(try group.awaitLeader() == 0)
        #expect(try steer(.lead, 2) == .done)
        // At once, and not when it has settled.
        #expect(try group.awaitLeader() == 2)
        pass(milliseconds: 5000)
        #expect(try group.awaitLeader() == 2)
        #expect((0..<3).allSatisfy { status($0).wished.rawValue == 2 })
        group.cutOff(2)
        pass(milliseconds: 3000)
        #expect(try group.awaitLeader() != 2)
        group.reconnect(2)
        pass(milliseconds: 5000)
        #expect(try group.awaitLeader() == 2)
        #expect(try steer(.anyLeads, 255) == .done)
        pass(milliseconds: 5000)
        #expect(try group.awaitLeader() == 0)
        #expect((0..<3).allSatisfy { status($0).wished == .nobody })
    }

    @Test func whoCannotLeadIsNotChosen() throws {
        pass(milliseconds: 3000)
        #expect(try steer(.lead, 3) == .notAMember)
        #expect(try steer(.lead, 5) == .notAMember)
        #expect(ReplicaSteward.steer(group.places[1].replica, .lead, ReplicaID(rawValue: 1)) == .later)
        group.cutOff(1)
        pass(milliseconds: 1000)
        #expect(try steer(.lead, 1) == .isAway)
        // Another term may have begun meanwhile.
        pass(milliseconds: 1000)
        #expect(status(try group.awaitLeader()).wished == .nobody)
    }

    @Test func onlyWhoIsGoneIsRemoved() throws {
        pass(milliseconds: 3000)
        #expect(try steer(.lead, 1) == .done)
        pass(milliseconds: 1000)
        #expect(try steer(.remove, 1) == .isPresent)
        #expect(try steer(.remove, 2) == .isPresent)
        group.cutOff(1)
        pass(milliseconds: 3000)
        #expect(try steer(.remove, 1) == .done)
        pass(milliseconds: 1000)
        let left = status(try group.awaitLeader())
        #expect(left.members.map(\.replica.rawValue) == [0, 2])
        #expect(left.members.allSatisfy(\.isVoter) && left.trouble == .isFragile)
        #expect(left.wished == .nobody)
        #expect(try steer(.remove, 1) == .notAMember)
    }

    @Test func nobodyIsRemovedWhoseAbsenceWouldStopTheGroup() throws {
        pass(milliseconds: 3000)
        let leader = try group.awaitLeader()
        for place in 0..<3 where place != leader { group.cutOff(place) }
        // It does not notice yet that it may not lead any more.
        group.places[leader].isFrozen = true
        group.pass(milliseconds: 1000)
        let other = ReplicaID(rawValue: UInt8((leader + 1) % 3))
        #expect(ReplicaSteward.steer(group.places[leader].replica, .remove, other) == .tooFewAreLeft)
    }

    // MARK: Trouble

    @Test func aGroupIsFragileWhenOneMoreFailureStopsIt() throws {
        pass(milliseconds: 3000)
        let leader = try group.awaitLeader()
        #expect(status(leader).trouble == nil && status((leader + 1) % 3).trouble == nil)
        group.cutOff((leader + 1) % 3)
        pass(milliseconds: 1000)
        #expect(status(leader).trouble == .isFragile)
        #expect(status((leader + 1) % 3).trouble == .hasNoLeader)
        group.cutOff((leader + 2) % 3)
        pass(milliseconds: 2000)
        #expect(status(leader).trouble == .hasNoLeader)
        for place in 0..<3 { group.reconnect(place) }
        pass(milliseconds: 3000)
        #expect((0..<3).allSatisfy { status($0).trouble == nil })
    }

    @Test func membersCountByWhatTheyCanDo() {
        func member(_ slot: UInt8, _ isVoter: Bool, _ isHeard: Bool, _ fetches: Bool = false) -> ReplicaView {
            ReplicaView(
                replica: ReplicaID(rawValue: slot), seat: isVoter ? .voter : .learner, isHeard: isHeard,
                fetchesState: fetches,
                matched: .zero)
        }
        func trouble(_ others: ReplicaView...) -> GroupTrouble? {
            ReplicaStatus(
                replica: ReplicaID(rawValue: 0), leads: true, term: Term(rawValue: 1), leader: ReplicaID(rawValue: 0),
                last: .zero, committed: .zero, applied: .zero,
                members: [member(0, true, true)] + others
            ).trouble
        }
        #expect(trouble() == nil)
        #expect(trouble(member(1, false, true)) == .isFragile)
        #expect(trouble(member(1, true, true)) == .isFragile)
        #expect(trouble(member(1, true, true), member(2, true, true)) == nil)
        #expect(trouble(member(1, true, true), member(2, true, true, true)) == .isFragile)
        #expect(trouble(member(1, true, true), member(2, true, true), member(3, false, true)) == .isIncomplete)
        let four = [member(1, true, true), member(2, true, true), member(3, true, true)]
        #expect(trouble(four[0], four[1], four[2], member(4, true, false)) == .isIncomplete)
        #expect(trouble(four[0], four[1], member(3, true, false), member(4, true, false)) == .isFragile)
    }

    @Test func whatPassesIsNotTold() {
        let (watch, second, group) = (GroupWatch(), 1_000_000_000 as UInt64, LogGroupID(rawValue: 7))
        func told(at seconds: UInt64) -> [GroupTrouble] {
            let groups = watch.lasting(at: seconds * second) { GroupNumber(rawValue: $0.rawValue) }
            #expect(groups.allSatisfy { $0.group.rawValue == 7 })
            return groups.map(\.trouble)
        }
        watch.note(.isFragile, of: group, at: 5 * second)
        #expect(told(at: 14) == [])
        watch.note(.hasNoLeader, of: group, at: 14 * second)
        #expect(told(at: 15) == [.hasNoLeader])
        watch.note(.isIncomplete, of: group, at: 16 * second)
        #expect(told(at: 30) == [])
        watch.note(.isFragile, of: group, at: 31 * second)
        #expect(told(at: 31) == [.isFragile])
        watch.note(nil, of: group, at: 32 * second)
        watch.note(.isFragile, of: group, at: 33 * second)
        #expect(told(at: 42) == [])
    }
}
