import Client
import Protocol

/// Replaces blocks of files by new ones elsewhere, without changing a byte of what the files hold (services.md D.6).
///
/// For every block that somebody says has to go, its content is copied from where it is or computed from any D others
/// of its span, and proved by the checksums in the metadata. It is written to another block service through a scratch
/// file of the same shard, and then the two blocks change places in one step. The old block belongs to the scratch
/// file from then on and is erased when that expires. So nothing is lost wherever this is cut off.
///
/// Any number of these may work on the same file at the same time, in this process and in others: who comes second
/// finds the block gone and looks again.
package struct FileRepair<Cluster: RepairCluster>: Sendable {
    private let context: RepairContext<Cluster>

    package init(cluster: Cluster, options: RepairOptions = RepairOptions()) {
        context = RepairContext(cluster: cluster, options: options)
    }

    /// Looks at every block of a finished file, in all locations, and replaces those that `verdict` does not keep.
    ///
    /// Several blocks of one span are restored from one reading. Sources that turn out to be missing or wrong
    /// are replaced as well.
    /// - Parameters:
    ///   - spanOffset: where the only span begins that is to be looked at; nil: all of them.
    ///   - avoiding: where new blocks must not go, besides the services and failure domains of the same span.
    ///   - mayStay: whether a new block may, if there is no other place, go to the very service it was on. Right for
    ///     blocks that went bad on a disk that is well, wrong when the service has to be relieved.
    ///   - verdict: asked for each block, of several spans at the same time; again after an attempt that failed.
    /// - Returns: what was done. Spans that failed are listed and do not keep the others from being repaired.
    ///   Cancelling the task ends it between two blocks.
    package func repair(
        _ file: InodeID, spanAt spanOffset: UInt64? = nil, avoiding: [BlacklistEntry] = [], mayStay: Bool = false,
        verdict: @escaping @Sendable (FileBlock) async -> BlockVerdict
    ) async -> RepairOutcome {
        let order = RepairOrder(avoiding: avoiding, mayStay: mayStay, verdict: verdict)
        do throws(ClientError) {
            // A transient file is somebody's work, or about to be destroyed.
            guard try await context.isFinished(file) else { return .skipped }
        } catch {
            var outcome = RepairOutcome()
            outcome.fail(RepairError(.request(error), file: file))
            return outcome
        }
        return await repairSpans(of: file, spanOffset, order)
    }

    /// Lets the old blocks of everything repaired so far be erased soon. Call it at the end, and now and then when
    /// there is little to do.
    package func releaseScratchFiles() async {
        await context.scratchFiles.dropIdle()
    }

    private func repairSpans(
        of file: InodeID, _ spanOffset: UInt64?, _ order: RepairOrder
    ) async -> RepairOutcome {
        await withTaskGroup(of: RepairOutcome.self) { group in
            var outcome = RepairOutcome()
            do throws(ClientError) {
                try await repairSpans(of: file, spanOffset, order, &group, &outcome)
                outcome.tally.files = 1
            } catch {
                // Gone meanwhile: nothing is left to be repaired.
                if error.isRefusal(.fileNotFound) {
                    outcome.tally.skippedFiles = 1
                } else {
                    outcome.fail(RepairError(.request(error), file: file))
                }
            }
            for await done in group { outcome += done }
            return outcome
        }
    }

    private func repairSpans(
        of file: InodeID, _ spanOffset: UInt64?, _ order: RepairOrder, _ group: inout TaskGroup<RepairOutcome>,
        _ outcome: inout RepairOutcome
    ) async throws(ClientError) {
        var listing = SpanListing(cluster: context.cluster, file: file, spanAt: spanOffset)
        var running = 0
        while !Task.isCancelled, let page = try await listing.next() {
            for span in page.impossible {
                let error = span.error("FILE_SPANS of \(file)")
                outcome.fail(RepairError(.request(error), file: file, byteOffset: span.byteOffset))
            }
            for copy in page.copies {
                if running >= context.options.spansPerFile, let done = await group.next() {
                    outcome += done
                    running -= 1
                }
                group.addTask { [context] in await SpanRepair(context: context, order: order).repair(copy) }
                running += 1
            }
        }
    }
}

/// What a caller wants done to a file.
struct RepairOrder: Sendable {
    let avoiding: [BlacklistEntry]
    let mayStay: Bool
    let verdict: @Sendable (FileBlock) async -> BlockVerdict
}

extension RepairOutcome {
    fileprivate static var skipped: RepairOutcome {
        var outcome = RepairOutcome()
        outcome.tally.skippedFiles = 1
        return outcome
    }
}

extension RepairContext {
    /// Whether a name, current or historical, holds the file.
    func isFinished(_ file: InodeID) async throws(ClientError) -> Bool {
        do throws(ClientError) {
            _ = try await cluster.call(StatFileRequest(id: file), shard: file.shard)
            return true
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw error }
            return false
        }
    }
}
