import Consensus
import Protocol
import ReplicatedLog
import Store
import TestLog
import TestSupport
import Testing

/// A replica of a group that has no other, between its state machine and its log.
struct ReplicaTests {
    private static let id = LogGroupID(rawValue: 7)
    private static let founder = Member(slot: .first, incarnation: Incarnation(rawValue: 1))

    /// One process: what is on disk outlives it.
    private final class Process {
        let log: HandDrivenLog
        let state: TestState
        let replica: Replica
        private(set) var acknowledged: [[UInt8]] = []

        init(_ disk: MemoryLogStore, _ store: MemoryStore, settings: Settings = Settings()) throws {
            let state = try TestState(store)
            let founders = Configuration(born: founder)
            let held = try disk.replay(
                into: [id: state], founders: { _ in founders }, isFinal: { $0.isOnlyVoter(founder) }
            ) { _, index, bytes in try state.apply([UInt8](bytes), at: index) }
            log = try HandDrivenLog(disk)
            self.state = state
            let stored = try StoredState(
                of: id, state, founder, founders: founders, in: disk.contents[id], behind: held[id] ?? [])
            replica = log.lane.open(id, founder, stored, state, settings: settings)
            replica.onDelivery = { [unowned self] entry in
                do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
                acknowledged.append(entry.bytes)
            }
            replica.start()
        }
    }

    @Test func everyStartIsATermOfItsOwn() throws {
        let (disk, store) = (MemoryLogStore(), MemoryStore())
        for start in 1...5 {
            let process = try Process(disk, store)
            #expect(!process.replica.serves)
            #expect(throws: ProposalRefusal.self) { try process.replica.propose([0]) }
            process.log.settle()
            #expect(process.replica.serves)
            let standing = try #require(process.state.standing)
            #expect(standing.term == Term(rawValue: UInt64(start)))
            #expect(standing.configuration == Configuration(born: Self.founder))
            _ = try process.replica.propose([UInt8(start)])
            process.log.settle()
            #expect(try process.state.appliedCommands() == (1...start).map { [UInt8($0)] })
            process.log.close()
        }
    }

    @Test func refusesBeyondItsWindows() throws {
        var settings = Settings()
        settings.proposedEntries = 2
        settings.commandBytes = 20
        let process = try Process(MemoryLogStore(), MemoryStore(), settings: settings)
        process.log.settle()
        #expect(throws: ProposalRefusal.tooLarge) { try process.replica.propose([UInt8](repeating: 0, count: 21)) }
        _ = try process.replica.propose([1])
        _ = try process.replica.propose([2])
        #expect(throws: ProposalRefusal.windowFull) { try process.replica.propose([3]) }
        process.log.lane.windowBytes = 1
        process.log.settle()
        #expect(process.acknowledged == [[1], [2]])
        _ = try process.replica.propose([4])
        #expect(throws: ProposalRefusal.windowFull) { try process.replica.propose([5]) }
        process.log.settle()
        #expect(process.acknowledged == [[1], [2], [4]] && process.replica.inFlightCount == 0)
    }

    @Test("a state that comes without its log begins a log behind it, as the only member")
    func backups() throws {
        let (disk, store) = (MemoryLogStore(), MemoryStore())
        let process = try Process(disk, store)
        process.log.settle()
        _ = try process.replica.propose([1])
        process.log.settle()
        let stranger = Member(slot: .first, incarnation: Incarnation(rawValue: 2))
        let state = try TestState(store)
        let stored = try StoredState(
            of: Self.id, state, stranger, founders: Configuration(born: stranger), in: nil, behind: [])
        #expect(stored.base.position == Position(index: LogIndex(rawValue: 2), term: Term(rawValue: 1)))
        #expect(stored.base.configuration == Configuration(born: stranger))
        let newDisk = MemoryLogStore()
        let log = try HandDrivenLog(newDisk)
        let replica = log.lane.open(Self.id, stranger, stored, state)
        replica.onDelivery = { entry in
            do { try state.apply(entry.bytes, at: entry.index) } catch { Issue.record(error) }
        }
        replica.start()
        log.settle()
        #expect(replica.serves && state.standing?.term == Term(rawValue: 2))
        _ = try replica.propose([2])
        log.settle()
        #expect(try state.appliedCommands() == [[1], [2]])
        #expect(newDisk.contents[Self.id]?.entries == LogIndex(rawValue: 3)...LogIndex(rawValue: 4))
    }

    @Test("a log that has lost its end begins anew behind the state, which had more")
    func lostEnds() throws {
        let (disk, store) = (MemoryLogStore(), MemoryStore())
        var process = try Process(disk, store)
        process.log.settle()
        for number in 1...3 {
            _ = try process.replica.propose([UInt8(number)])
            process.log.turn()
        }
        process.log.settle()
        let damaged = MemoryLogStore()
        var batch = LogBatch()
        batch.append(
            .entry(LogEntry(index: LogIndex(rawValue: 1), term: Term(rawValue: 1), kind: .beginning, bytes: [])),
            of: Self.id)
        try damaged.write([batch])
        try damaged.sync()
        process = try Process(damaged, store)
        process.log.settle()
        _ = try process.replica.propose([4])
        process.log.settle()
        #expect(try process.state.appliedCommands() == [[1], [2], [3], [4]])
        #expect(damaged.contents[Self.id]?.base?.index == LogIndex(rawValue: 4))
        process = try Process(damaged, store)
        process.log.settle()
        #expect(process.replica.serves)
        // What is older than the base is refused.
        #expect(throws: LogError.self) { try damaged.replay(after: [Self.id: LogIndex(rawValue: 3)]) { _, _ in } }
    }

    /// Under a disk with crashes: what was acknowledged before a crash is there after it, in the same order.
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func survivesCrashes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (disk, store) = (MemoryLogStore(), MemoryStore(writeAheadLog: false))
        var process = try Process(disk, store)
        var promised: [[UInt8]] = []
        for step in 0..<600 {
            switch random.next() % 16 {
            case 0..<8:
                let bytes = [UInt8(truncatingIfNeeded: step), UInt8(truncatingIfNeeded: random.next())]
                do throws(ProposalRefusal) {
                    _ = try process.replica.propose(bytes)
                } catch {
                    #expect(error == .notServing || error == .notLeader(leader: nil))
                }
            case 8..<11: process.log.turn()
            case 11..<14: process.log.settle()
            case 14:
                let index = process.replica.trimIndex
                try store.flush()
                process.log.host.trim(through: [Self.id: index])
            default:
                let before = try process.state.appliedCommands()
                promised += process.acknowledged
                #expect(
                    before.count >= promised.count
                        && Array(before.suffix(process.acknowledged.count)) == process.acknowledged)
                disk.crash(surviving: Int(random.next() % 3))
                store.crash(surviving: 0)
                process = try Process(disk, store)
                let after = try process.state.appliedCommands()
                #expect(after.count >= before.count && Array(after.prefix(before.count)) == before)
            }
        }
    }
}
