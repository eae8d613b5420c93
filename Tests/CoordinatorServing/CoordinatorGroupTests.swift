import CoordinatorCore
import Protocol
import TestSupport
import Testing

/// A coordinator with several replicas, of which now this one leads and now that.
struct CoordinatorGroupTests {
    @Test func followersHaveTheLeadersStateAndAskNobodyAnything() throws {
        let group = try CoordinatorGroup()
        let leader = try group.replicas.awaitLeader()
        for number: UInt64 in 1...5 { _ = try group.make("d\(number)", number, at: leader) }
        group.replicas.pass(milliseconds: 1000)
        try group.check()
        let applied = group.processes[leader].coordinator.appliedIndex
        for (number, process) in group.processes.enumerated() {
            #expect(process.coordinator.appliedIndex == applied)
            #expect(process.leaderships == (number == leader ? 1 : 0))
            if number != leader { #expect(process.sends.isEmpty && process.replies.isEmpty) }
        }
    }

    @Test func followersAnswerNothing() throws {
        let group = try CoordinatorGroup()
        let follower = (try group.replicas.awaitLeader() + 1) % 3
        group.ask(CoordinatorGroup.making("d"), 1, at: follower)
        group.ask(.cdcSnapshot(CdcSnapshotRequest(snapshotId: 1)), 2, at: follower)
        // The leader would refuse it.
        group.ask(.cdcSnapshot(CdcSnapshotRequest(snapshotId: 2)), 3, at: follower, isProven: false)
        group.replicas.pass(milliseconds: 1000)
        let process = group.processes[follower]
        #expect(process.replies.isEmpty && process.sends.isEmpty && process.snapshots.isEmpty)
        #expect(throws: TestFailure.self) { try group.lookup("d") }
    }

    /// Whatever of it had got through to the shards.
    @Test(arguments: 0...14)
    func theNextLeaderFinishesWhatWasBegun(packets: Int) throws {
        let group = try CoordinatorGroup()
        let first = try group.replicas.awaitLeader()
        let deposed = group.processes[first]
        let before = deposed.sends.count
        var left = packets
        deposed.getsThrough = { _ in
            left -= 1
            return left >= 0
        }
        group.ask(CoordinatorGroup.making("d"), 1, at: first)
        #expect(deposed.sends.count > before)
        group.replicas.cutOff(first)
        let second = try group.replicas.awaitLeader()
        #expect(second != first)
        // The client asks again.
        let made = try group.make("d", 1, at: second)
        #expect(try group.lookup("d") == made.id)
        // What was on its way all the time arrives.
        deposed.getsThrough = { _ in true }
        group.replicas.reconnect(first)
        group.replicas.pass(milliseconds: 2000)
        #expect(deposed.resignations == 1)
        if let told = deposed.reply(to: 1) { #expect(try told.get() == .makeDirectory(made)) }
        #expect(try group.lookup("d") == made.id)
        try group.check()
    }

    @Test func whoStepsDownForgetsWhatItWasDoing() throws {
        let group = try CoordinatorGroup()
        let first = try group.replicas.awaitLeader()
        let process = group.processes[first]
        process.getsThrough = { _ in false }
        group.ask(CoordinatorGroup.making("d"), 1, at: first)
        let asked = process.sends.map(\.requestID)
        #expect(!asked.isEmpty && process.coordinator.transactionCount > 0)
        let second = (first + 1) % 3
        try group.replicas.lead(second)
        #expect(process.resignations == 1 && process.coordinator.isIdle && !process.coordinator.needsTicks)
        group.replicas.pass(milliseconds: 2000)
        #expect(process.sends.count == asked.count && process.replies.isEmpty)
        // It leads again, and hears only now what it had asked then.
        try group.replicas.lead(first)
        process.getsThrough = { _ in true }
        let made = try group.make("d", 1, at: first)
        _ = try group.make("e", 2, at: first)
        #expect(process.leaderships == 2 && group.processes[second].resignations == 1)
        #expect(Set(asked).isDisjoint(with: process.sends.dropFirst(asked.count).map(\.requestID)))
        #expect(try group.lookup("d") == made.id)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }

    @Test func entriesThatTheLogHadNoRoomForAreNotTheNextLeadershipsEntries() throws {
        let group = try CoordinatorGroup()
        let first = try group.replicas.awaitLeader()
        let lane = group.replicas.places[first].log.lane
        lane.windowBytes = 0
        group.ask(CoordinatorGroup.making("d"), 1, at: first)
        #expect(group.replicas.places[first].replica.inFlightCount == 0)
        let second = (first + 1) % 3
        try group.replicas.lead(second)
        lane.windowBytes = 1 << 20
        let made = try group.make("d", 1, at: second)
        try group.replicas.lead(first)
        #expect(try group.make("d", 2, at: first) == made)
        var isFinished = false
        group.processes[first].pipeline.finish { isFinished = true }
        group.replicas.pass(milliseconds: 100)
        #expect(isFinished && group.processes[first].replies.count == 1)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }

    @Test func whoMayHaveBeenReplacedTellsNobodyWhatItKnows() throws {
        let group = try CoordinatorGroup()
        let first = try group.replicas.awaitLeader()
        let moved = try group.make("moved", 1, at: first)
        group.replicas.places[first].isFrozen = true
        group.replicas.cutOff(first)
        let second = try group.replicas.awaitLeader()
        let owner = try group.make("owner", 2, at: second)
        // It leads, as far as it knows, and knows no such owner.
        #expect(group.replicas.places[first].replica.serves)
        let request = AnyCdcRequest.renameDirectory(
            RenameDirectoryRequest(
                targetId: moved.id, oldOwnerId: .root, oldName: Array("moved".utf8),
                oldCreationTime: moved.creationTime, newOwnerId: owner.id, newName: Array("moved".utf8)))
        group.ask(request, 3, at: first)
        group.replicas.places[first].isFrozen = false
        group.replicas.reconnect(first)
        group.replicas.pass(milliseconds: 2000)
        #expect(group.processes[first].resignations == 1 && group.processes[first].reply(to: 3) == nil)
        group.ask(request, 3, at: second)
        group.replicas.pass(milliseconds: 1000)
        #expect(throws: Never.self) { try #require(group.processes[second].reply(to: 3)).get() }
        try group.check()
    }

    @Test func whoIsConfirmedTellsWhatItKnows() throws {
        let group = try CoordinatorGroup()
        let leader = try group.replicas.awaitLeader()
        let moved = try group.make("moved", 1, at: leader)
        try group.replicas.loseLease()
        let unknown = InodeID(type: .directory, shard: InodeID.root.shard, index: 999)
        let request = AnyCdcRequest.renameDirectory(
            RenameDirectoryRequest(
                targetId: moved.id, oldOwnerId: .root, oldName: Array("moved".utf8),
                oldCreationTime: moved.creationTime, newOwnerId: unknown, newName: Array("moved".utf8)))
        group.ask(request, 2, at: leader)
        #expect(group.processes[leader].reply(to: 2) == nil)
        group.replicas.pass(milliseconds: 200)
        #expect(group.processes[leader].reply(to: 2) == .failure(.newDirectoryNotFound))
    }

    @Test func aSuccessorIsNoStranger() throws {
        let group = try CoordinatorGroup()
        let first = try group.replicas.awaitLeader()
        let deposed = group.processes[first]
        _ = try group.make("a", 1, at: first)
        deposed.getsThrough = { $0.shard != InodeID.root.shard || $0.request.kind.isReadOnly }
        group.ask(CoordinatorGroup.making("b"), 2, at: first)
        group.replicas.places[first].isFrozen = true
        group.replicas.cutOff(first)
        let second = try group.replicas.awaitLeader()
        let made = try group.make("b", 2, at: second)
        // The shards belong to the second one by now, which the first does not know.
        deposed.getsThrough = { _ in true }
        group.replicas.settle()
        #expect(deposed.coordinator.statistics.shardsTakenOver > 0)
        #expect(deposed.counters.counter("cdc_alarm_shards_taken_over").value > 0)
        group.replicas.places[first].isFrozen = false
        group.replicas.reconnect(first)
        group.replicas.pass(milliseconds: 2000)
        #expect(deposed.counters.counter("cdc_alarm_shards_taken_over").value == 0)
        try group.replicas.lead(first)
        #expect(try group.make("b", 3, at: first) == made)
        _ = try group.make("c", 4, at: first)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }

    @Test func aReplicaWorksOnTheStateThatItWasGiven() throws {
        let group = try CoordinatorGroup(knowsShards: false)
        let leader = try group.replicas.awaitLeader()
        let late = (leader + 1) % 3
        group.replicas.cutOff(late)
        // More than is kept in memory for those who are behind.
        let ids = (0..<10_000).map { InodeID(type: .directory, shard: InodeID.root.shard, index: 1000 + $0) }
        for _ in 0..<8 {
            let entry = CoordinatorCore.LogEntry(time: Timestamp(nanoseconds: 1), records: [.directoriesDropped(ids)])
            _ = try group.replicas.places[leader].replica.propose(try entry.encoded())
            group.replicas.settle()
        }
        for place in group.replicas.places {
            place.log.host.trim(through: [place.replica.id: place.replica.trimIndex])
        }
        group.replicas.reconnect(late)
        group.replicas.pass(milliseconds: 3000)
        #expect(group.processes[late].coordinator !== group.replicas.places[late].state)
        for process in group.processes { process.pipeline.lead(numbersRequests: true) }
        try group.replicas.lead(late)
        _ = try group.make("d", 1, at: late)
        group.replicas.pass(milliseconds: 1000)
        try group.check()
    }
}
