import Protocol
import RegistryCore
import TestSupport
import Testing

/// A registry with several replicas, of which now this one leads and now that.
struct RegistryGroupTests {
    private let group: RegistryGroup

    init() throws { group = try RegistryGroup() }

    /// Begins, and waits for one that leads.
    private func leader() throws -> Int {
        group.begin()
        return try group.replicas.awaitLeader()
    }

    /// It does not notice that others no longer follow it.
    private func depose(_ place: Int) throws -> Int {
        group.replicas.places[place].isFrozen = true
        group.replicas.cutOff(place)
        return try group.replicas.awaitLeader()
    }

    private func reinstate(_ place: Int) {
        group.replicas.places[place].isFrozen = false
        group.replicas.reconnect(place)
        group.replicas.pass(milliseconds: 2000)
    }

    @Test func followersHaveTheLeadersState() throws {
        let leader = try leader()
        for number: UInt8 in 1...5 { #expect(group.ask(RegistryGroup.creation(of: number), at: leader).isDone) }
        #expect(group.registerDisk(at: leader).isDone)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
        for (number, process) in group.processes.enumerated() {
            #expect(process.core.appliedIndex == group.processes[leader].core.appliedIndex)
            #expect(process.leaderships == (number == leader ? 1 : 0) && process.pipeline.leads == (number == leader))
        }
    }

    @Test func followersSendTheirClientsAway() throws {
        let follower = (try leader() + 1) % 3
        group.replicas.pass(milliseconds: 500)
        #expect(group.ask(RegistryGroup.locations, at: follower).isLetGo)
        #expect(group.ask(RegistryGroup.creation(of: 1), at: follower).isLetGo)
        try group.check()
    }

    @Test func whoComesBeforeALeaderIsKnownWaits() throws {
        let waiting = group.replicas.places.indices.map { group.ask(RegistryGroup.locations, at: $0) }
        #expect(waiting.allSatisfy { $0.replies.isEmpty })
        let leader = try leader()
        group.replicas.pass(milliseconds: 200)
        #expect(waiting[leader].isDone)
        group.replicas.pass(milliseconds: 3000)
        #expect(waiting.enumerated().allSatisfy { $0.offset == leader || $0.element.isLetGo })
    }

    @Test func nobodyWaitsForEverAndNotEverybodyWaits() throws {
        group.begin()
        for place in 0..<3 { group.replicas.cutOff(place) }
        let waiting = (0..<1024).map { _ in group.ask(RegistryGroup.locations, at: 0) }
        #expect(waiting.allSatisfy { $0.replies.isEmpty })
        #expect(group.ask(RegistryGroup.locations, at: 0).isLetGo)
        group.replicas.pass(milliseconds: 3000)
        #expect(waiting.allSatisfy { $0.isLetGo })
        #expect(group.ask(RegistryGroup.locations, at: 0).replies.isEmpty)
    }

    @Test func whatIsInFlightWhenItStepsDownIsNotConfirmed() throws {
        let first = try leader()
        group.replicas.cutOff(first)
        let outcome = group.ask(RegistryGroup.creation(of: 1), at: first)
        #expect(outcome.replies.isEmpty)
        let second = try group.replicas.awaitLeader()
        #expect(outcome.isLetGo)
        #expect(group.ask(RegistryGroup.creation(of: 2), at: second).isDone)
        reinstate(first)
        #expect(group.processes.allSatisfy { $0.core.appliedIndex == group.processes[0].core.appliedIndex })
        #expect(try group.locationCount(in: group.ask(RegistryGroup.locations, at: second)) == 2)
        try group.check()
        // It is as good a leader as before.
        try group.replicas.lead(first)
        #expect(group.processes[first].leaderships == 2)
        #expect(group.ask(RegistryGroup.creation(of: 1), at: first).isDone)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }

    @Test func whoMayHaveBeenReplacedTellsNobodyWhatItKnows() throws {
        let first = try leader()
        let second = try depose(first)
        #expect(group.ask(RegistryGroup.creation(of: 1), at: second).isDone)
        // It leads, as far as it knows.
        #expect(group.processes[first].pipeline.leads)
        let outcome = group.ask(RegistryGroup.locations, at: first)
        #expect(outcome.replies.isEmpty)
        reinstate(first)
        #expect(outcome.isLetGo && !group.processes[first].pipeline.leads)
    }

    @Test func whoIsConfirmedTellsWhatItKnows() throws {
        let leader = try leader()
        #expect(group.ask(RegistryGroup.creation(of: 1), at: leader).isDone)
        try group.replicas.loseLease()
        let outcome = group.ask(RegistryGroup.locations, at: leader)
        #expect(outcome.replies.isEmpty)
        group.replicas.pass(milliseconds: 200)
        #expect(try group.locationCount(in: outcome) == 2)
    }

    @Test func disksThatAnotherLeaderKnowsAreDealtOut() throws {
        let first = try leader()
        let second = (first + 1) % 3
        #expect(try group.writable(at: first) == [])
        try group.replicas.lead(second)
        #expect(try group.writable(at: second) == [])
        #expect(group.registerDisk(at: second).isDone)
        #expect(try group.writable(at: second).count == 1)
        try group.replicas.lead(first)
        #expect(try group.writable(at: first).count == 1)
    }

    /// Half a delay without a look would begin a grace by itself.
    @Test func silenceCountsFromTheBeginningOfALeadership() throws {
        let first = try leader()
        #expect(group.registerDisk(at: first).isDone)
        let tick = { [group] in
            group.processes[first].pipeline.tick()
            group.replicas.settle()
        }
        for _ in 0...17 {
            tick()
            group.seconds += 10
        }
        try group.replicas.lead((first + 1) % 3)
        try group.replicas.lead(first)
        for _ in 0...17 {
            tick()
            #expect(try group.writable(at: first).count == 1)
            group.seconds += 10
        }
        tick()
        #expect(try group.writable(at: first) == [])
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }

    @Test func onlyTheLeaderTellsOfTheCluster() throws {
        let first = try leader()
        let needs = [PlacementNeed(storageClass: .hdd, failureDomains: 1)]
        #expect(group.processes[first].pipeline.alarms(needs: needs).map(\.kind) == [.tooFewFailureDomains])
        let report = ReportMetadataDiskRequest(
            location: .default, isCoordinator: true, shard: ShardID(rawValue: 0), isFull: true, freeBytes: 0,
            wantedBytes: 1)
        #expect(group.ask(.reportMetadataDisk(report), at: first).isDone)
        #expect(group.processes[first].pipeline.alarms(needs: []).map(\.kind) == [.fullMetadataDisk])
        let fragile = TroubledGroup(group: .coordinator, trouble: .isFragile)
        let groups = ReportGroupsRequest(
            location: .default, isCoordinator: true, shard: ShardID(rawValue: 0), replica: ReplicaID(rawValue: 0),
            groups: [fragile])
        #expect(group.ask(.reportGroups(groups), at: first).isDone)
        #expect(group.processes[first].pipeline.alarms(needs: []).map(\.kind) == [.fullMetadataDisk, .fragileGroups])
        try group.replicas.lead((first + 1) % 3)
        #expect(group.processes[first].pipeline.alarms(needs: needs).isEmpty)
    }

    @Test func aReplicaWorksOnTheStateThatItWasGiven() throws {
        let leader = try leader()
        let late = (leader + 1) % 3
        group.replicas.cutOff(late)
        // More than is kept in memory for those who are behind.
        let request = UpdateBlockServicePathRequest(
            id: BlockServiceID(rawValue: 1), newPath: [UInt8](repeating: 0x61, count: 250))
        for _ in 0..<3 {
            for _ in 0..<1000 { group.processes[leader].pipeline.handle(.updateBlockServicePath(request)) { _ in } }
            group.replicas.settle()
        }
        #expect(group.ask(RegistryGroup.creation(of: 1), at: leader).isDone)
        for place in group.replicas.places {
            place.log.host.trim(through: [place.replica.id: place.replica.trimIndex])
        }
        group.replicas.reconnect(late)
        group.replicas.pass(milliseconds: 3000)
        #expect(group.processes[late].core !== group.replicas.places[late].state)
        try group.replicas.lead(late)
        #expect(try group.locationCount(in: group.ask(RegistryGroup.locations, at: late)) == 2)
        #expect(group.ask(RegistryGroup.creation(of: 2), at: late).isDone)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }
}
