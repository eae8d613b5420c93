import BlockRepair
import Client
import Protocol
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct FileRepairTests {
    static let parities = [
        Parity(data: 1, parity: 2), Parity(data: 2, parity: 1), Parity(data: 4, parity: 2), Parity(data: 10, parity: 4),
    ]

    /// Pieces smaller than a block, so that there are several.
    static var options: RepairOptions {
        var options = RepairOptions()
        options.pieceBytes = 4096
        return options
    }

    @Test(arguments: parities)
    func rebuildsAsManyBlocksAsThereIsParity(_ parity: Parity) async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", parity, spans: 3)
        var lost: Set<BlockID> = []
        for span in try await bench.spans(of: file) {
            for block in span.shuffled().prefix(parity.parity) {
                lost.insert(block.block)
                await bench.change(block.service) { $0.blocks[block.block] = nil }
            }
        }
        let outcome = await FileRepair(cluster: bench, options: Self.options).repair(file) { [lost] block in
            lost.contains(block.block) ? .rebuild : .keep
        }
        #expect(outcome.failures.isEmpty)
        #expect(outcome.tally.rebuiltBlocks == lost.count && outcome.tally.replacedBlocks == lost.count)
        #expect(outcome.tally.copiedBlocks == 0 && outcome.tally.repairedSpans == 3 && outcome.tally.files == 1)
        try await bench.expectWhole(file)
    }

    @Test func aSpanThatMakesNoSenseFailsAndHoldsUpNoOther() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2), spans: 3)
        let spans = try await bench.spans(of: file)
        let lost = Set(spans.map { $0[0].block })
        for span in spans { await bench.change(span[0].service) { $0.blocks[span[0].block] = nil } }
        await bench.makeImpossible(0)
        let outcome = await FileRepair(cluster: bench).repair(file) { lost.contains($0.block) ? .rebuild : .keep }
        #expect(outcome.tally.rebuiltBlocks == 2 && outcome.failures.map(\.byteOffset) == [0])
        await bench.makeImpossible(nil)
        let rest = await FileRepair(cluster: bench).repair(file) { lost.contains($0.block) ? .rebuild : .keep }
        #expect(rest.tally.rebuiltBlocks == 1 && rest.failures.isEmpty)
        try await bench.expectWhole(file)
    }

    @Test func severalBlocksOfASpanCostOneReading() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 3))
        let lost = Set(try await bench.spans(of: file)[0].prefix(3).map(\.block))
        let outcome = await FileRepair(cluster: bench).repair(file) { lost.contains($0.block) ? .rebuild : .keep }
        #expect(outcome.tally.rebuiltBlocks == 3)
        #expect(outcome.tally.readBytes == 4 * 16384)
        try await bench.expectWhole(file)
    }

    @Test(arguments: parities)
    func copiesFromAReadableDiskAndLeavesIt(_ parity: Parity) async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", parity, spans: 4)
        let leaving = try #require(try await bench.spans(of: file).first?.first?.service)
        await bench.change(leaving) { $0.flags = .decommissioned }
        let repair = FileRepair(cluster: bench, options: Self.options)
        let outcome = await repair.repair(file) { $0.service.id == leaving ? .move : .keep }
        #expect(outcome.failures.isEmpty)
        #expect(outcome.tally.copiedBlocks == outcome.tally.replacedBlocks && outcome.tally.copiedBlocks > 0)
        #expect(try await bench.files(on: leaving).allSatisfy { $0 != file })
        try await bench.expectWhole(file)
    }

    @Test(arguments: parities)
    func rebuildsWhatCannotBeCopied(_ parity: Parity) async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", parity, spans: 4)
        let dead = try #require(try await bench.spans(of: file).first?.first?.service)
        await bench.change(dead) { disk in
            disk.flags = .decommissioned
            disk.isUnreachable = true
        }
        let outcome = await FileRepair(cluster: bench).repair(file) { $0.service.id == dead ? .move : .keep }
        #expect(outcome.failures.isEmpty)
        #expect(outcome.tally.rebuiltBlocks == outcome.tally.replacedBlocks && outcome.tally.rebuiltBlocks > 0)
        #expect(outcome.tally.foundBrokenBlocks == 0)
        try await bench.expectWhole(file)
    }

    @Test func aWrongCopyIsNotCopied() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2))
        let block = try await bench.spans(of: file)[0][2]
        // Pages that match their checksums, and still another content.
        await bench.change(block.service) { $0.blocks[block.block]?[5000] ^= 1 }
        let outcome = await FileRepair(cluster: bench).repair(file) { $0.block == block.block ? .move : .keep }
        #expect(outcome.tally.rebuiltBlocks == 1 && outcome.tally.copiedBlocks == 0)
        try await bench.expectWhole(file)
    }

    @Test func brokenSourcesAreReplacedAsWell() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 4))
        let blocks = try await bench.spans(of: file)[0]
        await bench.change(blocks[1].service) { $0.corrupt.insert(blocks[1].block) }
        await bench.change(blocks[2].service) { $0.blocks[blocks[2].block] = nil }
        await bench.change(blocks[3].service) { $0.blocks[blocks[3].block]?[0] ^= 1 }
        // All four others are needed, so everything broken is met sooner or later.
        let lost = Set([blocks[0].block])
        let repair = FileRepair(cluster: bench, options: Self.options)
        for _ in 0..<40 where try await !isWhole(bench, file) {
            _ = await repair.repair(file) { lost.contains($0.block) ? .rebuild : .keep }
            let first = try await bench.spans(of: file)[0][0].block
            _ = await repair.repair(file) { $0.block == first ? .rebuild : .keep }
        }
        try await bench.expectWhole(file)
    }

    private func isWhole(_ bench: RepairBench, _ file: InodeID) async throws -> Bool {
        for block in try await bench.spans(of: file)[0] {
            guard let disk = await bench.disks[block.service], let bytes = disk.blocks[block.block],
                CRC32C(of: bytes) == block.crc, !disk.corrupt.contains(block.block)
            else { return false }
        }
        return true
    }

    @Test func whatCannotBeRestoredIsToldAndLeavesTheRestAlone() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2), spans: 3)
        let spans = try await bench.spans(of: file)
        var lost = Set(spans[0].prefix(3).map(\.block))
        for block in spans[0].prefix(3) { await bench.change(block.service) { $0.blocks[block.block] = nil } }
        lost.insert(spans[2][5].block)
        let outcome = await FileRepair(cluster: bench).repair(file) { [lost] block in
            lost.contains(block.block) ? .rebuild : .keep
        }
        #expect(outcome.tally.failedSpans == 1 && outcome.tally.repairedSpans == 1)
        let failure = try #require(outcome.failures.first)
        guard case .tooFewSources(found: 3, needed: 4) = failure.cause else {
            Issue.record("\(failure)")
            return
        }
        #expect(failure.file == file && failure.byteOffset == 0)
        #expect(try await bench.spans(of: file)[0].map(\.block) == spans[0].map(\.block))
    }

    @Test func aServiceThatDoesNotTakeBlocksIsPassedOver() async throws {
        let bench = try RepairBench(services: 9)
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2), spans: 4)
        let used = Set(try await bench.spans(of: file).flatMap { $0.map(\.service) })
        for service in await bench.disks.keys where !used.contains(service) {
            await bench.change(service) { $0.refusesWrites = service.rawValue % 2 == 0 }
        }
        let block = try await bench.spans(of: file)[0][0]
        let outcome = await FileRepair(cluster: bench).repair(file, mayStay: true) {
            $0.block == block.block ? .rebuild : .keep
        }
        #expect(outcome.failures.isEmpty && outcome.tally.replacedBlocks == 1)
        try await bench.expectWhole(file)
    }

    @Test func theSameFailureDomainWillDoInNeed() async throws {
        // Six domains of two disks: a span of six blocks leaves no other domain.
        let bench = try RepairBench(services: 12, perDomain: 2)
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2))
        let block = try await bench.spans(of: file)[0][3]
        await bench.change(block.service) { $0.flags = .decommissioned }
        let outcome = await FileRepair(cluster: bench).repair(file) { $0.block == block.block ? .move : .keep }
        #expect(outcome.failures.isEmpty && outcome.tally.replacedBlocks == 1)
        try await bench.expectWhole(file)
    }

    @Test(arguments: [true, false])
    func theSameServiceWillDoIfAllowed(_ mayStay: Bool) async throws {
        let bench = try RepairBench(services: 6)
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2))
        let block = try await bench.spans(of: file)[0][3]
        await bench.change(block.service) { $0.blocks[block.block] = nil }
        let outcome = await FileRepair(cluster: bench).repair(file, mayStay: mayStay) {
            $0.block == block.block ? .rebuild : .keep
        }
        #expect(outcome.tally.replacedBlocks == (mayStay ? 1 : 0))
        #expect(outcome.failures.isEmpty == mayStay)
        if mayStay { try await bench.expectWhole(file) }
    }

    @Test func unfinishedAndMissingFilesAreLetBe() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile(nil, Parity(data: 2, parity: 1))
        let repair = FileRepair(cluster: bench)
        let before = try await bench.spans(of: file)[0].map(\.block)
        #expect(await repair.repair(file) { _ in .rebuild }.tally.skippedFiles == 1)
        #expect(try await bench.spans(of: file)[0].map(\.block) == before)
        let missing = InodeID(rawValue: file.rawValue &+ 0x100000)
        #expect(await repair.repair(missing) { _ in .rebuild }.tally.skippedFiles == 1)
    }

    @Test func noLostAnswerDoesHarm() async throws {
        let bench = try RepairBench()
        let files = [
            try await bench.makeFile("a", Parity(data: 4, parity: 2), spans: 3),
            try await bench.makeFile("b", Parity(data: 1, parity: 2), spans: 3),
        ]
        let leaving = BlockServiceID(rawValue: 3)
        await bench.change(leaving) { $0.flags = .decommissioned }
        await bench.loseOne(in: 7)
        let repair = FileRepair(cluster: bench)
        for _ in 0..<20 {
            for file in files { _ = await repair.repair(file) { $0.service.id == leaving ? .move : .keep } }
        }
        await bench.loseOne(in: 0)
        for file in files {
            let outcome = await repair.repair(file) { $0.service.id == leaving ? .move : .keep }
            #expect(outcome.failures.isEmpty)
            try await bench.expectWhole(file)
        }
        await repair.releaseScratchFiles()
        #expect(try await bench.files(on: leaving).allSatisfy { !files.contains($0) })
    }

    @Test func twoRepairsOfOneFileLoseNothing() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2), spans: 8)
        let leaving = try #require(try await bench.spans(of: file).first?.first?.service)
        await bench.change(leaving) { $0.flags = .decommissioned }
        await withTaskGroup(of: RepairOutcome.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    await FileRepair(cluster: bench).repair(file) { $0.service.id == leaving ? .move : .keep }
                }
            }
            for await outcome in group { #expect(outcome.failures.isEmpty) }
        }
        try await bench.expectWhole(file)
        #expect(try await bench.files(on: leaving).allSatisfy { $0 != file })
    }

    @Test func aBudgetBelowOneBlockIsEnough() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 3), spans: 4)
        var options = Self.options
        options.memoryBytes = 4096
        let lost = Set(try await bench.spans(of: file).flatMap { $0.prefix(3).map(\.block) })
        let outcome = await FileRepair(cluster: bench, options: options).repair(file) {
            lost.contains($0.block) ? .rebuild : .keep
        }
        #expect(outcome.failures.isEmpty && outcome.tally.rebuiltBlocks == 12)
        try await bench.expectWhole(file)
    }

    /// A certificate is good for minutes only, and a slow rate makes blocks wait for hours.
    @Test func aSlowRateMakesNoCertificateOld() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2))
        let leaving = Set(try await bench.spans(of: file)[0].prefix(2).map(\.block))
        var options = Self.options
        options.bytesPerSecond = 1
        let outcome = await FileRepair(cluster: bench, options: options).repair(file) {
            leaving.contains($0.block) ? .move : .keep
        }
        #expect(outcome.failures.isEmpty && outcome.tally.replacedBlocks == 2)
        #expect(await bench.oldestCertificateNanoseconds < 60 * RepairBench.second)
        try await bench.expectWhole(file)
    }

    @Test func theOnlyCopyIsTriedThoughItsServiceWasOutOfReach() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 1, parity: 0))
        let only = try await bench.spans(of: file)[0][0]
        var options = Self.options
        options.attempts = 1
        let repair = FileRepair(cluster: bench, options: options)
        await bench.change(only.service) { $0.isUnreachable = true }
        #expect(await repair.repair(file) { _ in .move }.failures.count == 1)
        await bench.change(only.service) { $0.isUnreachable = false }
        let outcome = await repair.repair(file) { _ in .move }
        #expect(outcome.failures.isEmpty && outcome.tally.copiedBlocks == 1)
        try await bench.expectWhole(file)
    }

    @Test func oneSpanOfAFileCanBeRepairedAlone() async throws {
        let bench = try RepairBench()
        let file = try await bench.makeFile("a", Parity(data: 4, parity: 2), spans: 3)
        let before = try await bench.spans(of: file).map { $0.map(\.block) }
        let asked = Mutex<Set<UInt64>>([])
        let spanBytes: UInt64 = 4 * 16384
        let outcome = await FileRepair(cluster: bench).repair(file, spanAt: spanBytes) { block in
            asked.withLock { _ = $0.insert(block.byteOffset) }
            return before[1][0] == block.block ? .rebuild : .keep
        }
        #expect(outcome.failures.isEmpty && outcome.tally.replacedBlocks == 1)
        #expect(asked.withLock { $0 } == [spanBytes])
        let after = try await bench.spans(of: file).map { $0.map(\.block) }
        #expect(after[0] == before[0] && after[1] != before[1] && after[2] == before[2])
        #expect(await FileRepair(cluster: bench).repair(file, spanAt: 4096) { _ in .rebuild }.tally.replacedBlocks == 0)
    }
}
