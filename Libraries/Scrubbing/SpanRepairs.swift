import Client
import MaintenanceState
import Protocol

/// Deals with damaged blocks: looks at the whole span again, has what is bad replaced, and remembers what was found.
/// Shared by all disks: several may find the same span at the same time, which is then looked at once.
actor SpanRepairs<Cluster: ScrubCluster> {
    private struct Span: Hashable {
        let file: InodeID
        let offset: UInt64
    }

    private let cluster: Cluster
    private let memory: ScrubMemory
    private let observer: @Sendable (ScrubEvent) -> Void
    private let count: @Sendable (BlockServiceID, @Sendable (inout DiskRecord) -> Void) -> Void
    private var underRepair: [Span: [CheckedContinuation<Void, Never>]] = [:]

    /// - Parameter count: changes the record of a disk, whether a pass over it is under way or not.
    init(
        _ cluster: Cluster, _ memory: ScrubMemory,
        count: @escaping @Sendable (BlockServiceID, @Sendable (inout DiskRecord) -> Void) -> Void,
        _ observer: @escaping @Sendable (ScrubEvent) -> Void
    ) {
        self.cluster = cluster
        self.memory = memory
        self.count = count
        self.observer = observer
    }

    /// Deals with the span of a block that its disk says is damaged. Throws when the shard cannot be asked what the
    /// span is now; then the damage is on record.
    func repair(_ suspect: LocatedBlock, _ damage: BlockDamage, of file: InodeID) async throws(ClientError) {
        let span = Span(file: file, offset: suspect.spanOffset)
        // Whoever is at it replaces this block too, as a rule.
        while underRepair[span] != nil { await withCheckedContinuation { underRepair[span]?.append($0) } }
        underRepair[span] = []
        defer {
            for waiting in underRepair.removeValue(forKey: span) ?? [] { waiting.resume() }
        }
        // Fresh from the shard: the block may have been replaced, moved or deleted since it was listed.
        let located: [LocatedBlock]
        do throws(ClientError) {
            located = try await blocks(of: span)
        } catch {
            _ = found(finding(suspect.block, damage, in: span))
            throw error
        }
        let present = Set(located.map(\.block.block))
        guard present.contains(suspect.block.block) else {
            if let known = known(suspect.block.block, on: suspect.block.service.id) { end(known, present, "") }
            return
        }
        let damaged = await self.damage(among: located, besides: suspect.block.block, damage)
        guard !damaged.isEmpty else { return }
        let findings = damaged.map { found(finding($0.block, $0.damage, in: span)) }
        var detail = ""
        do throws(ClientError) {
            try await cluster.replace(Set(damaged.map(\.block.block)), of: file, spanAt: span.offset)
        } catch {
            detail = error.description
        }
        let left = Set(try await blocks(of: span).map(\.block.block))
        for finding in findings { end(finding, left, detail) }
    }

    /// Closes findings from before a pass whose blocks their spans do not have any more: nobody lists them again.
    func settle(on disk: BlockServiceID, before begin: Timestamp) async {
        for finding in open(on: disk) where finding.time < begin {
            let span = Span(file: finding.file, offset: finding.spanOffset)
            // What cannot be asked now is asked after the next pass.
            guard let present = try? await blocks(of: span) else { continue }
            let left = Set(present.map(\.block.block))
            if !left.contains(finding.block) { end(finding, left, "") }
        }
    }

    /// Remembers a span that makes no sense: nothing of it can be checked or repaired. Once, until it does make sense.
    func report(_ span: ImpossibleSpan, of file: InodeID, on disk: BlockServiceID) {
        let isKnown = open(on: disk).contains {
            $0.damage == .impossible && $0.file == file && $0.spanOffset == span.byteOffset
        }
        guard !isKnown else { return }
        let finding = DamageFinding(
            disk: disk, time: cluster.now, file: file, spanOffset: span.byteOffset, block: BlockID(rawValue: 0),
            damage: .impossible, outcome: .unrepairable, detail: span.reason)
        memory.remember { () throws(MaintenanceStateError) in try memory.state.add(finding) }
        count(disk) { $0.count(.impossible) }
        observer(.found(finding))
    }

    /// The span's blocks in all locations; none when it does not exist any more, or its file is being written or about
    /// to be destroyed, which FILE_SPANS does not tell.
    private func blocks(of span: Span) async throws(ClientError) -> [LocatedBlock] {
        let request = FileSpansRequest(fileId: span.file, byteOffset: span.offset, limit: 1, mtu: 0)
        do throws(ClientError) {
            _ = try await cluster.call(StatFileRequest(id: span.file), shard: span.file.shard)
            let located = LocatedBlocks(try await cluster.call(request, shard: span.file.shard))
            if let impossible = located.impossible.first(where: { $0.byteOffset == span.offset }) {
                throw impossible.error("FILE_SPANS of \(span.file)")
            }
            return located.blocks.filter { $0.spanOffset == span.offset }
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw error }
            return []
        }
    }

    /// The damaged ones of all blocks of a span. The suspect is one, unless its disk takes that back: when there is no
    /// answer now, what it said before holds.
    private func damage(
        among blocks: [LocatedBlock], besides suspect: BlockID, _ damage: BlockDamage
    ) async -> [(block: ExpectedBlock, damage: BlockDamage)] {
        await withTaskGroup(of: Checked.self) { group in
            for located in blocks where located.block.service.flags.isReadable || located.block.block == suspect {
                group.addTask { await self.checked(located.block) }
            }
            var damaged: [(block: ExpectedBlock, damage: BlockDamage)] = []
            for await checked in group {
                switch checked.outcome {
                case .damaged(let damage): damaged.append((checked.block, damage))
                case .sound: break
                case .deviceError, .noAnswer:
                    if checked.block.block == suspect { damaged.append((checked.block, damage)) }
                }
            }
            return damaged
        }
    }

    private struct Checked: Sendable {
        let block: ExpectedBlock
        let outcome: BlockCheck
    }

    private nonisolated func checked(_ block: ExpectedBlock) async -> Checked {
        Checked(block: block, outcome: await cluster.check(block))
    }

    // MARK: Findings

    private func finding(_ block: ExpectedBlock, _ damage: BlockDamage, in span: Span) -> DamageFinding {
        DamageFinding(
            disk: block.service.id, time: cluster.now, file: span.file, spanOffset: span.offset, block: block.block,
            damage: damage, outcome: .found)
    }

    /// Open damage on a disk.
    private func open(on disk: BlockServiceID) -> [DamageFinding] {
        do throws(MaintenanceStateError) {
            return try memory.state.findings(on: disk).filter { $0.isOpen && $0.damage != .unanswered }
        } catch {
            memory.failed(error)
            return []
        }
    }

    private func known(_ block: BlockID, on disk: BlockServiceID) -> DamageFinding? {
        open(on: disk).last { $0.block == block }
    }

    /// Remembers the damage before anything is done about it. One that an earlier pass could not repair keeps its
    /// entry.
    private func found(_ finding: DamageFinding) -> DamageFinding {
        if let known = known(finding.block, on: finding.disk) { return known }
        memory.remember { () throws(MaintenanceStateError) in try memory.state.add(finding) }
        count(finding.disk) { $0.count(finding.damage) }
        return finding
    }

    private func end(_ finding: DamageFinding, _ left: Set<BlockID>, _ detail: String) {
        var ended = finding
        ended.outcome = left.isEmpty ? .gone : left.contains(finding.block) ? .unrepairable : .repaired
        // Described in a way that makes sense now; nothing was damaged.
        if finding.damage == .impossible, ended.outcome == .repaired { ended.outcome = .answered }
        ended.detail = ended.outcome == .unrepairable ? detail : ""
        memory.remember { () throws(MaintenanceStateError) in try memory.state.add(ended) }
        let (before, after) = (finding.outcome, ended.outcome)
        count(finding.disk) { record in
            if after == .repaired { record.repaired &+= 1 }
            if before == .unrepairable, finding.damage != .impossible {
                record.unrepairable -= min(record.unrepairable, 1)
            }
            if after == .unrepairable { record.unrepairable &+= 1 }
        }
        observer(.found(ended))
    }
}
