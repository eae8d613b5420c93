import Client
import MaintenanceState
import Protocol

/// One pass over everything that belongs on one disk, from where the last one broke off: shard by shard, file by file
/// (services.md D.5).
struct DiskPass<Cluster: ScrubCluster>: Sendable {
    /// Answers to FILE_SPANS may be so large.
    private static var answerBytes: UInt16 { 8972 }

    let disk: ScrubDisk
    let cluster: Cluster
    let settings: ScrubSettings
    let progress: PassProgress
    let memory: ScrubMemory
    let repairs: SpanRepairs<Cluster>
    let observer: @Sendable (ScrubEvent) -> Void
    private let gate: DiskGate
    /// A request that is never answered takes those behind it on its connection along, so they are repeated alone.
    private let repetitions: DiskGate
    private var unanswered: UnansweredBlocks { progress.unanswered }

    init(
        over disk: ScrubDisk, _ cluster: Cluster, _ settings: ScrubSettings, _ progress: PassProgress,
        _ memory: ScrubMemory, _ repairs: SpanRepairs<Cluster>, _ observer: @escaping @Sendable (ScrubEvent) -> Void
    ) {
        self.disk = disk
        self.cluster = cluster
        self.settings = settings
        self.progress = progress
        self.memory = memory
        self.repairs = repairs
        self.observer = observer
        gate = DiskGate(width: settings.checksAtOnce, bytesPerSecond: settings.bytesPerSecondPerDisk)
        repetitions = DiskGate(width: 1, bytesPerSecond: 0)
    }

    /// Returns when the disk is through or the pass has to break off; then `progress.interruption` says why.
    func run() async {
        let begin = progress.record
        await scrubShards()
        // Whether the last blocks without an answer or the disk were the reason is not known: the place that is saved
        // lets them have another turn.
        guard progress.interruption == nil else { return }
        // What lies before the place where this run took the pass up, it has not seen.
        for finding in unanswered.vanished(before: begin.passBegan, from: begin.shard, begin.file) { write(finding) }
        await repairs.settle(on: disk.id, before: begin.passBegan)
    }

    private func scrubShards() async {
        var shard = progress.record.shard
        while mayGoOn {
            do throws(ClientError) {
                try await scrub(shard)
            } catch {
                progress.interrupt(.noAnswer(error))
            }
            if shard.rawValue == .max { judgeLastBlocks() }
            guard mayGoOn else { return }
            remember { () throws(MaintenanceStateError) in try progress.endShard() }
            guard shard.rawValue < .max else { return }
            shard = progress.record.shard
        }
    }

    /// Nothing came after the last blocks without an answer to tell them from a silent disk, so they have another turn.
    /// If they are silent then, they are known, and the pass ends without them.
    private func judgeLastBlocks() {
        guard mayGoOn, let first = unanswered.firstNotRemembered else { return }
        for finding in unanswered.takeRow() { note(finding) }
        progress.interrupt(.noAnswer(ClientError(.unavailable, "CHECK_BLOCK of the last blocks of disk \(disk.id)")))
        progress.rewind(to: first)
    }

    private var mayGoOn: Bool {
        if Task.isCancelled { progress.interrupt(.cancelled) }
        return progress.interruption == nil
    }

    // MARK: Files

    private func scrub(_ shard: ShardID) async throws(ClientError) {
        var begin = progress.record.file
        while mayGoOn {
            let request = BlockServiceFilesRequest(blockServiceId: disk.id, startFrom: begin)
            let files = try await cluster.call(request, shard: shard).fileIds
            guard let last = files.last else { return }
            guard let first = files.first, first >= begin, zip(files, files.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw ClientError(.malformedAnswer, "BLOCK_SERVICE_FILES", "it does not advance")
            }
            await scrub(files)
            guard last.successor > last else { return }
            begin = last.successor
        }
    }

    private func scrub(_ files: [InodeID]) async {
        await withTaskGroup(of: Void.self) { group in
            var started = 0
            for file in files where mayGoOn {
                if started >= settings.filesAtOnce { await group.next() }
                started += 1
                progress.begin(file)
                group.addTask { await self.scrub(file) }
            }
        }
    }

    private func scrub(_ file: InodeID) async {
        do throws(ClientError) {
            try await scrubBlocks(of: file)
            if let closed = unanswered.listed(file) { write(closed) }
        } catch {
            // Not found: it was destroyed since it was listed.
            if !error.isRefusal(.fileNotFound) { noAnswer(of: file, error) }
        }
        let now = cluster.monotonicNanoseconds
        remember { () throws(MaintenanceStateError) in try progress.end(file, now: now) }
    }

    // MARK: Blocks

    /// Every block of the file that lies on the disk, in whatever location of the span.
    private func scrubBlocks(of file: InodeID) async throws(ClientError) {
        let failure = await withTaskGroup(of: Void.self) { group -> ClientError? in
            var offset: UInt64 = 0
            repeat {
                let page: FileSpansResponse
                do throws(ClientError) {
                    page = try await spans(of: file, from: offset)
                } catch {
                    return error
                }
                let located = LocatedBlocks(page)
                for span in located.impossible { await repairs.report(span, of: file, on: disk.id) }
                for found in located.blocks where found.block.service.id == disk.id {
                    await gate.enter(UInt64(found.block.size), cluster)
                    guard mayGoOn else {
                        gate.leave()
                        return nil
                    }
                    group.addTask { await self.scrub(found, of: file) }
                }
                offset = page.nextOffset
            } while offset != 0 && mayGoOn
            return nil
        }
        if let failure { throw failure }
    }

    private func spans(of file: InodeID, from offset: UInt64) async throws(ClientError) -> FileSpansResponse {
        let page = try await cluster.call(
            FileSpansRequest(fileId: file, byteOffset: offset, limit: 0, mtu: Self.answerBytes), shard: file.shard)
        guard page.nextOffset == 0 || page.nextOffset > offset else {
            throw ClientError(.malformedAnswer, "FILE_SPANS", "it does not advance")
        }
        return page
    }

    private func scrub(_ found: LocatedBlock, of file: InodeID) async {
        let outcome = await check(found.block)
        gate.leave()
        switch outcome {
        case .sound: checked(found, of: file)
        case .damaged(let damage):
            checked(found, of: file)
            await repair(found, damage, of: file)
        case .deviceError:
            unanswered.meet(file, found.block.block)
            progress.deviceError(limit: settings.deviceErrorLimit)
            observer(.deviceError(disk, found.block.block))
        case .noAnswer(let error): noAnswer(for: found, of: file, error)
        }
    }

    /// What the shard keeps refusing stays on record as found, for a later pass.
    private func repair(_ found: LocatedBlock, _ damage: BlockDamage, of file: InodeID) async {
        var pause = settings.retryNanoseconds
        for attempt in 0...settings.retries {
            if attempt > 0 {
                guard mayGoOn else { return }
                await cluster.sleep(nanoseconds: pause)
                pause &*= 2
            }
            do throws(ClientError) {
                return try await repairs.repair(found, damage, of: file)
            } catch {
                guard Self.isAboutOneFile(error) else { return progress.interrupt(.noAnswer(error)) }
            }
        }
    }

    private func checked(_ found: LocatedBlock, of file: InodeID) {
        progress.checked(bytes: UInt64(found.block.size))
        observer(.checked(bytes: UInt64(found.block.size)))
        let (new, closed) = unanswered.answered(file, found.block.block)
        for finding in new { note(finding) }
        if let closed { write(closed) }
    }

    /// Asks again when there is no answer: a server may be starting, or have too much to do.
    private func check(_ block: ExpectedBlock) async -> BlockCheck {
        guard block.service.flags.isReadable else {
            progress.interrupt(.notReadable(block.service.flags))
            return .noAnswer(ClientError(.unavailable, "CHECK_BLOCK at block service \(disk.id)"))
        }
        let begin = cluster.monotonicNanoseconds
        var outcome = await cluster.check(block)
        guard case .noAnswer = outcome, mayGoOn else { return outcome }
        await repetitions.enter(0, cluster)
        defer { repetitions.leave() }
        var pause = settings.retryNanoseconds
        // A disk that does not answer at all is to be found out soon.
        for _ in 0..<(unanswered.isRowBegun ? min(settings.retries, 1) : settings.retries) where mayGoOn {
            await cluster.sleep(nanoseconds: pause)
            pause &*= 2
            outcome = await cluster.check(block)
            guard case .noAnswer = outcome else { return outcome }
            // What hangs holds a worker of its server each time; one that starts or is busy says no at once.
            guard cluster.monotonicNanoseconds &- begin < settings.retryLimitNanoseconds else { return outcome }
        }
        return outcome
    }

    // MARK: No answer

    /// The block is passed over, unless the whole disk seems to be silent.
    private func noAnswer(for found: LocatedBlock, of file: InodeID, _ error: ClientError) {
        guard mayGoOn else { return }
        pass(over: finding(file, found.spanOffset, found.block.block, error), error)
    }

    /// A shard that says no for one file may do better for the next; one that says nothing will not.
    private static func isAboutOneFile(_ error: ClientError) -> Bool {
        error.code != nil || error.cause == .malformedAnswer
    }

    private func noAnswer(of file: InodeID, _ error: ClientError) {
        guard mayGoOn else { return }
        guard Self.isAboutOneFile(error) else { return progress.interrupt(.noAnswer(error)) }
        pass(over: finding(file, 0, UnansweredBlocks.wholeFile, error), error)
    }

    private func pass(over finding: DamageFinding, _ error: ClientError) {
        if unanswered.add(finding) { progress.interrupt(.noAnswer(error)) }
    }

    private func finding(
        _ file: InodeID, _ spanOffset: UInt64, _ block: BlockID, _ error: ClientError
    ) -> DamageFinding {
        DamageFinding(
            disk: disk.id, time: cluster.now, file: file, spanOffset: spanOffset, block: block, damage: .unanswered,
            outcome: .found, detail: error.description)
    }

    private func note(_ finding: DamageFinding) {
        progress.update { $0.count(.unanswered) }
        if write(finding) { unanswered.remembered(finding) }
    }

    /// Whether it is remembered.
    @discardableResult private func write(_ finding: DamageFinding) -> Bool {
        let isWritten = remember { () throws(MaintenanceStateError) in try memory.state.add(finding) }
        observer(.found(finding))
        return isWritten
    }

    @discardableResult private func remember(_ write: () throws(MaintenanceStateError) -> Void) -> Bool {
        guard let error = memory.remember(write) else { return true }
        progress.interrupt(.notRemembered("\(error)"))
        return false
    }
}
