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
    let repairs: SpanRepairs<Cluster>
    let observer: @Sendable (ScrubEvent) -> Void
    private let gate: DiskGate

    init(
        over disk: ScrubDisk, _ cluster: Cluster, _ settings: ScrubSettings, _ progress: PassProgress,
        _ repairs: SpanRepairs<Cluster>, _ observer: @escaping @Sendable (ScrubEvent) -> Void
    ) {
        self.disk = disk
        self.cluster = cluster
        self.settings = settings
        self.progress = progress
        self.repairs = repairs
        self.observer = observer
        gate = DiskGate(width: settings.checksAtOnce, bytesPerSecond: settings.bytesPerSecondPerDisk)
    }

    /// Returns when the disk is through or the pass has to break off; then `progress.interruption` says why.
    func run() async {
        var shard = progress.record.shard
        while mayGoOn {
            do throws(ClientError) {
                try await scrub(shard)
            } catch {
                progress.interrupt(.noAnswer(error))
            }
            guard mayGoOn else { return }
            remember { () throws(MaintenanceStateError) in try progress.endShard() }
            guard shard.rawValue < .max else { return }
            shard = progress.record.shard
        }
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
        } catch {
            // Not found: it was destroyed since it was listed.
            if !error.isRefusal(.fileNotFound) { progress.interrupt(.noAnswer(error)) }
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
                for found in page.blocks(on: disk.id) {
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
        case .sound:
            progress.checked(bytes: UInt64(found.block.size))
            observer(.checked(bytes: UInt64(found.block.size)))
        case .damaged:
            progress.checked(bytes: UInt64(found.block.size))
            observer(.checked(bytes: UInt64(found.block.size)))
            do throws(ClientError) {
                try await repairs.repair(found, of: file)
            } catch {
                progress.interrupt(.noAnswer(error))
            }
        case .deviceError:
            progress.deviceError(limit: settings.deviceErrorLimit)
            observer(.deviceError(disk, found.block.block))
        case .noAnswer(let error):
            progress.interrupt(.noAnswer(error))
        }
    }

    /// Asks again when there is no answer: a server may be starting, or have too much to do.
    private func check(_ block: ExpectedBlock) async -> BlockCheck {
        guard block.service.flags.isReadable else {
            progress.interrupt(.notReadable(block.service.flags))
            return .noAnswer(ClientError(.unavailable, "CHECK_BLOCK at block service \(disk.id)"))
        }
        var pause = settings.retryNanoseconds
        for _ in 0..<settings.retries where mayGoOn {
            let outcome = await cluster.check(block)
            guard case .noAnswer = outcome else { return outcome }
            await cluster.sleep(nanoseconds: pause)
            pause &*= 2
        }
        return await cluster.check(block)
    }

    private func remember(_ write: () throws(MaintenanceStateError) -> Void) {
        do throws(MaintenanceStateError) { try write() } catch { observer(.stateError(error)) }
    }
}
