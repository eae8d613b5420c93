import Client
import Protocol

/// Destroys transient files that are past their deadline: their blocks span by span, then the inode (services.md D.3).
public struct FileDestructor<Cluster: ClusterAccess>: Sendable {
    private let cluster: Cluster
    private let marginNanoseconds: UInt64
    private let postponed: PostponedFiles
    private let disks: ServiceGate

    /// - Parameters:
    ///   - marginNanoseconds: how long after its deadline a file is let be, as clocks differ.
    ///   - pauseNanoseconds: how long a file is let be after its blocks could not be erased yet.
    ///   - erasuresPerDisk: so many are asked of one disk at a time, of all files together; at least 1.
    public init(
        cluster: Cluster, marginNanoseconds: UInt64, pauseNanoseconds: UInt64, erasuresPerDisk: Int = 16
    ) {
        self.cluster = cluster
        self.marginNanoseconds = marginNanoseconds
        postponed = PostponedFiles(pauseNanoseconds: pauseNanoseconds)
        disks = ServiceGate(width: erasuresPerDisk)
    }

    /// Destroys one file if its time has come.
    public func destroy(_ file: TransientFile) async throws(ClientError) -> Tally {
        var tally = Tally()
        tally.visitedTransientFiles = 1
        let now = try cluster.now
        guard now.nanoseconds > marginNanoseconds,
            file.deadlineTime.nanoseconds < now.nanoseconds - marginNanoseconds
        else { return tally }
        // A disk that was given up meanwhile is waited for no longer: these blocks may be all that keeps it from being
        // pulled.
        if let disk = postponed.awaited(by: file.id), await cluster.isDecommissioned(disk) { postponed.remove(file.id) }
        guard !postponed.contains(file.id, at: now) else {
            tally.postponedFiles = 1
            return tally
        }
        do throws(ClientError) {
            if let disk = try await destroySpans(of: file, &tally) {
                postpone(file, &tally, at: now, awaiting: disk)
                return tally
            }
            _ = try await cluster.call(RemoveInodeRequest(id: file.id), shard: file.id.shard)
            tally.destroyedFiles = 1
        } catch {
            if error.isRefusal(.blockTooRecentForDeletion) || error.isRefusal(.deadlineNotPassed) {
                postpone(file, &tally, at: now)
            } else if !error.isRefusal(.fileNotFound) {
                // Not found: somebody else destroyed it, or it was linked after it was listed.
                throw error
            }
        }
        return tally
    }

    private func postpone(
        _ file: TransientFile, _ tally: inout Tally, at now: Timestamp, awaiting disk: BlockServiceID? = nil
    ) {
        tally.postponedFiles = 1
        postponed.add(file.id, at: now, awaiting: disk)
    }

    /// Removes the spans from the last to the first; a disk that has to come back first, if there is one.
    private func destroySpans(
        of file: TransientFile, _ tally: inout Tally
    ) async throws(ClientError) -> BlockServiceID? {
        var previousOffset: UInt64?
        while true {
            let span: RemoveSpanInitiateResponse
            do throws(ClientError) {
                span = try await cluster.call(
                    RemoveSpanInitiateRequest(fileId: file.id, cookie: file.cookie), shard: file.id.shard)
            } catch {
                if error.isRefusal(.fileEmpty) { return nil }
                throw error
            }
            guard previousOffset.map({ span.byteOffset < $0 }) ?? true else {
                throw ClientError(.malformedAnswer, "REMOVE_SPAN_INITIATE", "the spans do not become fewer")
            }
            previousOffset = span.byteOffset
            if !span.blocks.isEmpty {
                if let away = span.blocks.first(where: { $0.blockServiceFlags.contains(.stale) }) {
                    return away.blockServiceId
                }
                let proofs = try await erase(span.blocks)
                tally.erasedBlocks += proofs.count
                guard try await certify(file, span, proofs) else { continue }
            }
            tally.destroyedSpans += 1
        }
    }

    /// Has the shard forget the span; false when another instance was faster, which erased the same blocks.
    private func certify(
        _ file: TransientFile, _ span: RemoveSpanInitiateResponse, _ proofs: [BlockProof]
    ) async throws(ClientError) -> Bool {
        do throws(ClientError) {
            _ = try await cluster.call(
                RemoveSpanCertifyRequest(
                    fileId: file.id, cookie: file.cookie, byteOffset: span.byteOffset, proofs: proofs),
                shard: file.id.shard)
            return true
        } catch {
            guard error.isRefusal(.spanNotFound) else { throw error }
            return false
        }
    }

    /// All blocks of a span at once; their proofs in the blocks' order.
    private func erase(_ blocks: [RemoveSpanInitiateBlockInfo]) async throws(ClientError) -> [BlockProof] {
        let erasures = await withTaskGroup(of: Erasure.self) { group in
            for (index, block) in blocks.enumerated() {
                group.addTask { await self.erase(block, at: index) }
            }
            var erasures: [Erasure] = []
            for await erasure in group { erasures.append(erasure) }
            return erasures.sorted { $0.index < $1.index }
        }
        var proofs: [BlockProof] = []
        for (block, erasure) in zip(blocks, erasures) {
            if let error = erasure.error { throw error }
            proofs.append(BlockProof(blockId: block.blockId, proof: erasure.proof))
        }
        return proofs
    }

    /// What became of one block. A function that returns this, not a closure that returns a tuple with a `Result`: with
    /// that, proofs were missing in optimised builds of Swift 6.3.1 and there only. `CollectionTests` notice it.
    private struct Erasure: Sendable {
        let index: Int
        var proof = MAC(rawValue: 0)
        var error: ClientError?
    }

    private func erase(_ block: RemoveSpanInitiateBlockInfo, at index: Int) async -> Erasure {
        await disks.enter(block.blockServiceId)
        defer { disks.leave(block.blockServiceId) }
        do throws(ClientError) {
            return Erasure(index: index, proof: try await cluster.erase(block))
        } catch {
            return Erasure(index: index, error: error)
        }
    }
}
