import Consensus
import Foundation
import Protocol
import QuorumRecovery
import Replicas
import ReplicatedLog
import Store
import TestLog
import TestSupport
import Testing

private let group = LogGroupID(rawValue: 0)

/// One replica of three, on a real disk, and what becomes of it when the others are lost.
@Suite struct RecoveryTests {
    private let place: TemporaryDirectory
    private var path: String { place.path + "/data" }

    init() throws {
        place = try TemporaryDirectory("recovery")
        try #require(mkdir(place.path + "/data", 0o700) == 0)
    }

    private func openState() throws -> (RocksStore, TestState) {
        let store = try RocksStore(
            directory: path + "/state", options: RocksOptions(writeAheadLog: false))
        return (store, try TestState(store))
    }

    private func survivor() throws -> SurvivingReplica {
        try SurvivingReplica(in: path) { [group: try TestState($0)] }
    }

    /// The replica in slot 2, with entries 1 to `end` in its log, of which its state has those up to `applied`; entries
    /// are commands except for the first of their term, 3. Returns who belongs to the group.
    private func makeReplica(
        applied: UInt64, end: UInt64, isVoter: Bool = true, doubt: Nonce? = nil
    ) throws -> Configuration {
        let log = try SegmentedLogStore(directory: path + "/log")
        var members = Configuration()
        for slot in ReplicaSlot.all.prefix(3) {
            let own = slot.rawValue == 2
            members[slot] = Configuration.Seat(
                incarnation: own ? log.incarnation : Incarnation(rawValue: UInt64(slot.rawValue) + 1),
                isVoter: own ? isVoter : true)
        }
        let (store, state) = try openState()
        var batch = LogBatch()
        for number in 1...end {
            let (index, term) = (LogIndex(rawValue: number), Term(rawValue: 3))
            let isFirst = number == 1
            let bytes = isFirst ? try members.record() : [UInt8(number)]
            batch.append(
                LogEntry(index: index, term: term, kind: isFirst ? .configuration : .command, bytes: bytes),
                of: group)
            guard number <= applied else { continue }
            if isFirst {
                try state.pass(index, Standing(term: term, configuration: members))
            } else {
                try state.apply(bytes, at: index)
            }
        }
        batch.append(.hardState(try HardState(term: Term(rawValue: 5), doubt: doubt).record()), of: group)
        try log.write([batch])
        try log.sync()
        log.close()
        try store.close()
        return members
    }

    /// The service starts.
    private final class Process {
        let log: HandDrivenLog
        let member: Member
        let state: TestState
        let replica: Replica
        private let store: RocksStore

        init(_ path: String) throws {
            store = try RocksStore(
                directory: path + "/state", options: RocksOptions(writeAheadLog: false))
            let state = try TestState(store)
            self.state = state
            let disk = try SegmentedLogStore(directory: path + "/log", mustExist: true)
            let member = Member(slot: ReplicaSlot.all[2], incarnation: disk.incarnation)
            self.member = member
            let held = try disk.replay(
                into: [group: state], founders: { _ in Configuration() },
                isFinal: { $0.isOnlyVoter(member) }
            ) { _, index, bytes in try state.apply([UInt8](bytes), at: index) }
            log = try HandDrivenLog(disk)
            let stored = try StoredState(
                of: group, state, member, founders: Configuration(), in: disk.contents[group],
                behind: held[group] ?? [])
            replica = log.lane.open(group, member, stored, state)
            replica.onDelivery = { entry in
                do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
            }
            replica.start()
            log.settle()
        }

        func close() throws {
            log.close()
            try store.close()
        }
    }

    /// The service runs for as long as `body`.
    private func run<Result>(_ body: (Process) throws -> Result) throws -> Result {
        let process = try Process(path)
        let result = try body(process)
        try process.close()
        return result
    }

    @Test(
        "it goes on with all that it has, as somebody else",
        arguments: [(1, 6), (4, 6), (6, 6)] as [(UInt64, UInt64)])
    func goesOn(applied: UInt64, end: UInt64) throws {
        let former = try makeReplica(applied: applied, end: end)
        // Alone it would wait for ever.
        let incarnation = try run { process in
            #expect(!process.replica.serves)
            return process.member.incarnation
        }
        let replica = try survivor()
        #expect(replica.slot.rawValue == 2 && replica.incarnation == incarnation)
        let found = try #require(replica.groups.first)
        #expect(found.last == Position(index: LogIndex(rawValue: end), term: Term(rawValue: 3)))
        #expect(
            found.certain.rawValue == applied && found.configuration == former
                && found.counted(incarnation))
        _ = try replica.recover()

        for start in 0..<2 as Range<UInt64> {
            try run { process in
                #expect(process.member.incarnation != incarnation)
                #expect(process.replica.serves && process.replica.configuration.isOnlyVoter(process.member))
                #expect(process.replica.term.rawValue == 5 + 1 << 32 + 1 + start)
                #expect(
                    try process.state.appliedCommands().prefix(5).map { $0 } == (2...6).map { [UInt8($0)] })
                #expect(process.state.standing?.configuration == process.replica.configuration)
                _ = try process.replica.propose([UInt8(100 + start)])
                process.log.settle()
                #expect(try process.state.appliedCommands().count == 6 + Int(start))
            }
        }
    }

    @Test func whoBelongedToTheGroupBeforeIsNotTakenIn() throws {
        let former = try makeReplica(applied: 3, end: 6)
        _ = try survivor().recover()
        try run { process in
            #expect(process.replica.configuration.expelled.count == 3)
            for slot in former.slots where slot != process.member.slot {
                let old = try #require(former.member(at: slot))
                #expect(throws: MembershipRefusal.isExpelled) { try process.replica.change(.add(old)) }
            }
            let new = Member(slot: .first, incarnation: Incarnation(rawValue: 77))
            try process.replica.change(.add(new))
            process.log.settle()
            let configuration = process.replica.configuration
            #expect(configuration.contains(new) && configuration.expelled.count == 3)
            // Nor does anybody give way to one who comes back.
            let old = try #require(former.member(at: .first))
            ReplicaSteward.tend(process.replica, present: [old])
            #expect(process.replica.configuration == configuration)
        }
        // Nor after another recovery.
        _ = try survivor().recover()
        try run { process in
            #expect(process.replica.serves && process.replica.configuration.expelled.count == 5)
            #expect(process.replica.term.rawValue > 2 << 32)
        }
    }

    @Test func whatIsNotWholeYetSaysSo() throws {
        _ = try makeReplica(applied: 2, end: 4, isVoter: false, doubt: Nonce(rawValue: 3))
        let replica = try survivor()
        #expect(!replica.groups[0].counted(replica.incarnation) && replica.groups[0].isInDoubt)
        _ = try replica.recover()
        // Whatever it lacks, nobody else has it.
        try run { #expect($0.replica.serves) }
        let recovered = try survivor()
        #expect(recovered.groups[0].counted(recovered.incarnation) && !recovered.groups[0].isInDoubt)
    }

    @Test func lookingChangesNothing() throws {
        _ = try makeReplica(applied: 3, end: 6)
        let before = try contents()
        _ = try survivor()
        #expect(try contents() == before && before.count > 2)
    }

    /// The bytes of all files of the log.
    private func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path + "/log") {
            contents[name] = try Data(contentsOf: URL(filePath: "\(path)/log/\(name)"))
        }
        return contents
    }

    @Test func aServiceThatRunsIsLeftAlone() throws {
        _ = try makeReplica(applied: 3, end: 6)
        try run { _ in #expect(throws: RecoveryError.self) { try survivor() } }
        _ = try survivor()
    }

    @Test func wherePeopleAreNotMembersThereIsNothing() throws {
        try SegmentedLogStore(directory: path + "/log").close()
        try openState().0.close()
        #expect(throws: RecoveryError.holdsNothing(path)) { try survivor() }
    }

    @Test("broken off, it is as it was or done")
    func brokenOff() throws {
        _ = try makeReplica(applied: 3, end: 6)
        // Before the new log was whole.
        try #require(mkdir(path + "/log.recovered", 0o700) == 0)
        try #require(close(open(path + "/log.recovered/segment-1", O_CREAT | O_WRONLY, 0o600)) == 0)
        let kept = try survivor().recover()
        #expect(kept == path + "/log.before-recovery-1")
        // Between the two names.
        try #require(rename(path + "/log", path + "/log.recovered") == 0)
        #expect(try survivor().groups[0].configuration.voters.count == 1)
        try run { #expect($0.replica.serves) }
    }
}
