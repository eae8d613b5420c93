import Glibc
import MaintenanceState
import Protocol
import Store
import Synchronization
import TestSupport
import Testing

/// What is written is what is read, also by the next process, and damage is told in a sentence.
@Suite struct MaintenanceStateTests {
    private static let disk = BlockServiceID(rawValue: 0x0102_0304_0506_0708)

    private func finding(_ number: UInt64, on disk: BlockServiceID = Self.disk) -> DamageFinding {
        DamageFinding(
            disk: disk, time: Timestamp(nanoseconds: 1000 + number), file: InodeID(rawValue: 77), spanOffset: 4096,
            block: BlockID(rawValue: number), damage: .truncated, outcome: .repaired, detail: "finding \(number)")
    }

    @Test func everythingIsThereAfterARestart() throws {
        let directory = try TemporaryDirectory("state")
        var duty = DutyProgress()
        duty.rounds = 7
        duty.roundBegan = Timestamp(nanoseconds: 5)
        var shard = ShardProgress()
        shard.rounds = 8
        shard.place = ShardPlace(1 << 60, 9)
        shard.ended = Timestamp(nanoseconds: 6)
        var disk = DiskRecord()
        disk.path = "rack1:/disks/é"
        disk.shard = ShardID(rawValue: 200)
        disk.file = InodeID(rawValue: 1 << 62)
        disk.lastFullCheck = Timestamp(nanoseconds: 3)
        disk.checkedBytes = .max
        disk.count(.corrupt)
        disk.unrepairable = 4
        let look = ClockLook(time: Timestamp(nanoseconds: 11), restEnds: Timestamp(nanoseconds: .max))
        do {
            let state = try MaintenanceState(directory: directory.path)
            #expect(try state.duty("collect") == DutyProgress())
            #expect(try state.disk(Self.disk) == nil)
            try state.set(duty, ofDuty: "collect")
            try state.set(shard, ofDuty: "collect", in: ShardID(rawValue: 255))
            try state.set(disk, ofDisk: Self.disk)
            try state.add(finding(1))
            #expect(try state.clockLook() == nil)
            try state.set(look)
        }
        // Not closed: what a killed process leaves behind.
        let state = try MaintenanceState(directory: directory.path)
        try state.verify()
        #expect(try state.duty("collect") == duty)
        #expect(try state.duty("coll") == DutyProgress())
        #expect(try state.progress(ofDuty: "collect", in: ShardID(rawValue: 255)) == shard)
        #expect(try state.progress(ofDuty: "collect", in: ShardID(rawValue: 0)) == ShardProgress())
        #expect(try state.disk(Self.disk) == disk)
        #expect(try state.disks().map(\.id) == [Self.disk])
        #expect(try state.findings(on: Self.disk) == [finding(1)])
        #expect(try state.clockLook() == look)
        try state.close()
    }

    @Test func onlyTheLastFindingsOfEachDiskAreKept() throws {
        let state = try MaintenanceState(store: MemoryStore())
        let other = BlockServiceID(rawValue: Self.disk.rawValue + 1)
        try state.add(finding(5, on: other))
        for number in 0..<250 { try state.add(finding(UInt64(number))) }
        let kept = try state.findings(on: Self.disk)
        #expect(kept.count == MaintenanceState.findingsPerDisk)
        #expect(kept.first == finding(150) && kept.last == finding(249))
        #expect(try state.findings(on: other).count == 1)
    }

    @Test func damageThatWaitsForSomebodyIsNotPushedOut() throws {
        let state = try MaintenanceState(store: MemoryStore())
        func add(_ number: UInt64, _ damage: BlockDamage, _ outcome: DamageFinding.Outcome) throws {
            var finding = finding(number)
            finding.damage = damage
            finding.outcome = outcome
            try state.add(finding)
        }
        for number in 0..<10 { try add(UInt64(number), .corrupt, .unrepairable) }
        for number in 10..<20 { try add(UInt64(number), .unanswered, .found) }
        for number in 20..<300 { try add(UInt64(number), .corrupt, .repaired) }
        var kept = try state.findings(on: Self.disk)
        #expect(kept.count == MaintenanceState.findingsPerDisk && kept.count(where: \.isOpen) == 20)
        for number in 300..<500 { try add(UInt64(number), .unanswered, .found) }
        kept = try state.findings(on: Self.disk)
        #expect(kept.count == MaintenanceState.findingsPerDisk)
        #expect(kept.count { $0.damage == .corrupt && $0.isOpen } == 10)
        #expect(kept.last?.time == finding(499).time)
    }

    @Test func departuresAreForgottenInTime() throws {
        let state = try MaintenanceState(store: MemoryStore())
        let other = BlockServiceID(rawValue: 1)
        let moved: [(BlockServiceID, UInt64, UInt64)] = [(Self.disk, 5, 100), (other, 6, 200), (Self.disk, .max, 200)]
        for (disk, bytes, until) in moved {
            try state.addDeparture(
                DiskDeparture(disk: disk, bytes: bytes, until: Timestamp(nanoseconds: until)))
        }
        #expect(try state.departures(after: .zero).count == 3)
        let left = try state.departures(after: Timestamp(nanoseconds: 100))
        #expect(Set(left.map(\.bytes)) == [6, .max])
        try state.verify()
        #expect(try state.departures(after: .zero).count == 2)
        #expect(try state.departures(after: Timestamp(nanoseconds: 200)).isEmpty)
    }

    @Test func aNewerLayoutIsRefusedWithASentence() throws {
        let store = MemoryStore()
        _ = try MaintenanceState(store: store)
        var batch = WriteBatch()
        batch.put([0], [3, 0, 0, 0])
        try store.write(batch, durable: false)
        let error = #expect(throws: MaintenanceStateError.self) { try MaintenanceState(store: store) }
        #expect(error == .newerLayout(3))
        #expect(error?.description.contains("newer version") == true)
    }

    @Test func whatTheFirstLayoutWroteIsRead() throws {
        let store = MemoryStore()
        var disk = DiskRecord()
        disk.path = "rack1:/disk"
        disk.passes = 3
        disk.unrepairable = 9
        try MaintenanceState(store: store).set(disk, ofDisk: Self.disk)
        let iterator = store.iterator(from: [1], upTo: nil)
        iterator.seekToFirst()
        var batch = WriteBatch()
        batch.put([0], [1, 0, 0, 0])
        batch.put(iterator.key, Array(iterator.value.dropLast(8)))
        try store.write(batch, durable: false)
        let state = try MaintenanceState(store: store)
        try state.verify()
        #expect(try state.disk(Self.disk) == disk)
        #expect(try store.get([0]) == [2, 0, 0, 0], "the earlier version must not read what this one writes")
    }

    @Test func nothingIsWrittenIntoTheLastRoom() throws {
        let free = Mutex<UInt64>(1 << 30)
        let state = try MaintenanceState(store: MemoryStore()) { free.withLock { $0 } }
        try state.add(finding(1))
        free.withLock { $0 = 1 << 20 }
        let error = #expect(throws: MaintenanceStateError.self) { try state.add(finding(2)) }
        #expect(error?.description.contains("no space") == true)
        #expect(throws: MaintenanceStateError.self) { try state.checkWritable() }
        #expect(try state.findings(on: Self.disk) == [finding(1)])
        free.withLock { $0 = 1 << 30 }
        try state.checkWritable()
        try state.add(finding(2))
    }

    @Test(arguments: [[1], [1, 0, 0], [0, 0, 0, 0], []] as [[UInt8]])
    func aStrangeLayoutIsDamage(bytes: [UInt8]) throws {
        let store = MemoryStore()
        var batch = WriteBatch()
        batch.put([0], bytes)
        try store.write(batch, durable: false)
        let error = #expect(throws: MaintenanceStateError.self) { try MaintenanceState(store: store) }
        #expect(error?.description.contains("damaged") == true)
    }

    /// Every entry cut short, lengthened, or with each byte changed is either refused or another valid entry: no trap.
    @Test func damagedEntriesAreErrors() throws {
        let store = MemoryStore()
        let state = try MaintenanceState(store: store)
        try state.set(DutyProgress(), ofDuty: "collect")
        try state.set(ShardProgress(), ofDuty: "collect", in: ShardID(rawValue: 3))
        try state.set(DiskRecord(), ofDisk: Self.disk)
        try state.add(finding(1))
        try state.set(ClockLook(time: .zero))
        let iterator = store.iterator(from: [1], upTo: nil)
        var entries: [([UInt8], [UInt8])] = []
        iterator.seekToFirst()
        while iterator.isValid {
            entries.append((iterator.key, iterator.value))
            iterator.next()
        }
        #expect(entries.count == 5)
        for (key, value) in entries {
            for damaged in [[], Array(value.dropLast()), value + [0]] {
                var batch = WriteBatch()
                batch.put(key, damaged)
                try store.write(batch, durable: false)
                #expect(throws: MaintenanceStateError.self) { try state.verify() }
            }
            for index in value.indices {
                var damaged = value
                damaged[index] ^= 0xff
                var batch = WriteBatch()
                batch.put(key, damaged)
                try store.write(batch, durable: false)
                _ = try? state.verify()
            }
            var batch = WriteBatch()
            batch.put(key, value)
            try store.write(batch, durable: false)
            try state.verify()
        }
    }

    @Test func aSecondProcessIsToldWhy() throws {
        let directory = try TemporaryDirectory("state")
        let state = try MaintenanceState(directory: directory.path)
        let error = #expect(throws: MaintenanceStateError.self) { try MaintenanceState(directory: directory.path) }
        #expect(error?.description.contains("in use") == true)
        try state.close()
    }

    @Test func aDamagedDatabaseIsASentenceAndNoTrap() throws {
        let directory = try TemporaryDirectory("state")
        try MaintenanceState(directory: directory.path).close()
        let current = directory.path + "/state/CURRENT"
        let file = try #require(fopen(current, "w"))
        fputs("MANIFEST-999999\n", file)
        fclose(file)
        let error = #expect(throws: MaintenanceStateError.self) { try MaintenanceState(directory: directory.path) }
        #expect(error?.description.isEmpty == false)
        #expect(throws: MaintenanceStateError.self) { try MaintenanceState(directory: "/proc/none/such") }
    }
}
