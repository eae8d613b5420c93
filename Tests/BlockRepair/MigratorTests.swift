import BlockRepair
import Client
import Protocol
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct MigratorTests {
    private func migrator(
        _ bench: RepairBench, _ change: (inout MigrationOptions) -> Void = { _ in },
        report: @escaping @Sendable (MigrationEvent) -> Void = { _ in }
    ) -> Migrator<RepairBench> {
        var options = MigrationOptions()
        change(&options)
        return Migrator(cluster: bench, repair: FileRepair(cluster: bench), options: options, report: report)
    }

    private func files(_ bench: RepairBench) async throws -> [InodeID] {
        var files: [InodeID] = []
        for number in 0..<12 {
            let parity = number % 2 == 0 ? Parity(data: 4, parity: 2) : Parity(data: 1, parity: 2)
            files.append(try await bench.makeFile("f\(number)", parity, spans: 2, stripes: 1, cell: 4096))
        }
        return files
    }

    @Test func aLostDiskIsEvacuatedAndTold() async throws {
        let bench = try RepairBench(services: 10)
        let files = try await files(bench)
        let dead = BlockServiceID(rawValue: 4)
        await bench.change(dead) { disk in
            disk.flags = .decommissioned
            disk.isUnreachable = true
        }
        let told = Mutex<[String]>([])
        let migrator = migrator(
            bench,
            report: { event in
                switch event {
                case .began(let services): told.withLock { $0.append("began \(services.count)") }
                case .empty(let service): told.withLock { $0.append("empty \(service.id.rawValue)") }
                case .failed(let error): told.withLock { $0.append("\(error)") }
                default: break
                }
            })
        var known: Set<BlockServiceID> = []
        let first = await migrator.pass(true, &known)
        #expect(first.tally.replacedBlocks > 0 && first.tally.failedSpans == 0 && first.occupied == [dead])
        // The scratch files with the old blocks are still there.
        try await bench.destroyTransientFiles()
        let second = await migrator.pass(false, &known)
        #expect(second.tally.replacedBlocks == 0 && second.occupied.isEmpty)
        #expect(told.withLock { $0 } == ["began 1", "empty 4"])
        for file in files { try await bench.expectWhole(file) }
    }

    @Test func drainingServicesAreEvacuatedOnlyWhenAsked() async throws {
        let bench = try RepairBench(services: 10)
        let files = try await files(bench)
        await bench.change(BlockServiceID(rawValue: 2)) { $0.flags = .noWrite }
        var known: Set<BlockServiceID> = []
        #expect(await migrator(bench).pass(true, &known).services == 0)
        let pass = await migrator(bench) { $0.takesDraining = true }.pass(true, &known)
        #expect(pass.services == 1 && pass.tally.copiedBlocks > 0 && pass.tally.rebuiltBlocks == 0)
        // One that still takes blocks: nothing may come back to it.
        let chosen = BlockServiceID(rawValue: 3)
        let more = await migrator(bench) { $0.services = [chosen] }.pass(true, &known)
        #expect(more.tally.replacedBlocks > 0 && more.tally.failedSpans == 0)
        try await bench.destroyTransientFiles()
        for service in [2, 3] { #expect(try await bench.files(on: BlockServiceID(rawValue: UInt64(service))).isEmpty) }
        for file in files { try await bench.expectWhole(file) }
    }

    @Test func manyServicesAreEvacuatedAtOnceWithoutOneReceiving() async throws {
        let bench = try RepairBench(services: 24)
        for number in 0..<40 {
            _ = try await bench.makeFile("f\(number)", Parity(data: 1, parity: 2), stripes: 1, cell: 4096)
        }
        // They still take blocks, so a shard may pick them.
        let leaving = Set((1...16).map { BlockServiceID(rawValue: UInt64($0)) })
        var known: Set<BlockServiceID> = []
        let pass = await migrator(bench) { $0.services = leaving }.pass(true, &known)
        #expect(pass.tally.failedSpans == 0)
        try await bench.destroyTransientFiles()
        for service in leaving { #expect(try await bench.files(on: service).isEmpty) }
    }

    @Test func migratorsShareTheFilesAmongThem() async throws {
        let bench = try RepairBench(services: 10)
        let files = try await files(bench)
        let dead = BlockServiceID(rawValue: 5)
        await bench.change(dead) { $0.flags = .decommissioned }
        let touched = Mutex<[InodeID]>([])
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<3 {
                let migrator = migrator(bench) { options in
                    options.migrators = 3
                    options.index = UInt64(index)
                } report: { event in
                    if case .file(let file, let tally) = event, tally.files > 0 { touched.withLock { $0.append(file) } }
                }
                group.addTask {
                    var known: Set<BlockServiceID> = []
                    _ = await migrator.pass(true, &known)
                }
            }
        }
        let seen = touched.withLock { $0 }
        #expect(Set(seen).count == seen.count)
        #expect(try await bench.files(on: dead).allSatisfy { !files.contains($0) })
        for file in files { try await bench.expectWhole(file) }
    }

    @Test func twoMigratorsOfTheSameFilesLoseNothing() async throws {
        let bench = try RepairBench(services: 10)
        let files = try await files(bench)
        let dead = BlockServiceID(rawValue: 5)
        await bench.change(dead) { disk in
            disk.flags = .decommissioned
            disk.isUnreachable = true
        }
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<3 {
                let migrator = migrator(bench)
                group.addTask {
                    var known: Set<BlockServiceID> = []
                    return await migrator.pass(true, &known).tally.failedSpans
                }
            }
            for await failed in group { #expect(failed == 0) }
        }
        #expect(try await bench.files(on: dead).allSatisfy { !files.contains($0) })
        for file in files { try await bench.expectWhole(file) }
    }

    @Test func aFileThatCannotBeSavedStopsNoOther() async throws {
        let bench = try RepairBench(services: 10)
        let files = try await files(bench)
        let lost = try await bench.spans(of: files[0])[0]
        for block in lost.prefix(3) { await bench.change(block.service) { $0.blocks[block.block] = nil } }
        let dead = lost[0].service
        await bench.change(dead) { disk in
            disk.flags = .decommissioned
            disk.isUnreachable = true
        }
        var known: Set<BlockServiceID> = []
        let pass = await migrator(bench).pass(true, &known)
        #expect(pass.tally.failedSpans == 1)
        try await bench.destroyTransientFiles()
        #expect(try await bench.files(on: dead) == [files[0]])
        for file in files.dropFirst() { try await bench.expectWhole(file) }
    }
}

struct EndangeredFilesTests {
    private func file(_ number: UInt64) -> InodeID { InodeID(rawValue: 0x4000_0000_0000_0000 | number << 8) }

    @Test func theMostEndangeredComeFirst() {
        var files = EndangeredFiles()
        for (number, services) in [(1, 1), (2, 3), (3, 2), (4, 3), (5, 1)] {
            files.insert(file(UInt64(number)), services: services)
        }
        var order: [InodeID] = []
        while let next = files.popMostEndangered() { order.append(next) }
        #expect(Set(order.prefix(2)) == [file(2), file(4)] && order[2] == file(3))
        #expect(Set(order.suffix(2)) == [file(1), file(5)] && files.count == 0)
    }

    @Test func theLeastEndangeredMakeRoom() {
        var files = EndangeredFiles(limit: 2)
        for (number, services) in [(1, 1), (2, 1), (3, 2), (4, 1)] {
            files.insert(file(UInt64(number)), services: services)
        }
        #expect(files.count == 2 && files.omitted == 2)
        #expect(files.popMostEndangered() == file(3))
    }
}

struct MigrationProgressTests {
    @Test func estimatesWhatRemainsFromWhatWasDone() {
        var progress = MigrationProgress()
        progress.remainingFiles = 30
        #expect(progress.remainingBytes == nil && progress.remainingSeconds == nil)
        var now: UInt64 = 1_000_000_000_000
        progress.tick(now: now)
        for _ in 0..<10 {
            var tally = RepairTally()
            tally.files = 1
            tally.replacedBlocks = 4
            tally.replacedBytes = 4_000_000
            progress.add(tally)
            now += 1_000_000_000
            progress.tick(now: now)
        }
        #expect(progress.remainingFiles == 20 && progress.remainingBlocks == 80)
        #expect(progress.remainingBytes == 80_000_000 && progress.bytesPerSecond == 4_000_000)
        #expect(progress.remainingSeconds == 20)
    }
}
