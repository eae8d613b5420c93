import Client
import MaintenanceState
import Protocol

/// Stores spans anew whose storage class, parity or cut is not what their directory's policies say today (services.md
/// D.8). Names, inodes and contents stay; readers see the same bytes before, during and after.
public struct Defragmenter<Cluster: DefragCluster>: Sendable {
    private static var answerBytes: UInt16 { 8972 }

    private let cluster: Cluster
    private let filter: DefragFilter
    private let filesAtOnce: Int
    private let report: @Sendable (ShardID, InodeID?, ClientError) -> Void

    /// - Parameters:
    ///   - filesAtOnce: files of one directory that are worked on at the same time, at least 1.
    ///   - report: told of each error; for the log.
    public init(
        cluster: Cluster, filter: DefragFilter, filesAtOnce: Int,
        report: @escaping @Sendable (ShardID, InodeID?, ClientError) -> Void
    ) {
        self.cluster = cluster
        self.filter = filter
        self.filesAtOnce = max(filesAtOnce, 1)
        self.report = report
    }

    /// Works through the files in the directories of one shard, from a place on that it told of through `reached`.
    public func defragment(
        _ shard: ShardID, from place: ShardPlace = .beginning, reached: @Sendable (ShardPlace) -> Void = { _ in }
    ) async -> DefragTally {
        var tally = DefragTally()
        var begin = place.inode
        repeat {
            let page: VisitDirectoriesResponse
            do throws(ClientError) {
                page = try await cluster.call(
                    VisitDirectoriesRequest(beginId: begin, mtu: Self.answerBytes), shard: shard)
                guard page.nextId.isNull || page.nextId > begin else {
                    throw ClientError(.malformedAnswer, "VISIT_DIRECTORIES", "it does not advance")
                }
            } catch {
                report(shard, nil, error)
                tally.failures += 1
                return tally
            }
            for directory in page.ids where !Task.isCancelled {
                reached(ShardPlace(directory))
                tally += await defragment(directory)
            }
            begin = page.nextId
        } while !begin.isNull && !Task.isCancelled
        return tally
    }

    // MARK: Directories

    private func defragment(_ directory: InodeID) async -> DefragTally {
        var tally = DefragTally()
        tally.visitedDirectories = 1
        do throws(ClientError) {
            let policies = try await cluster.policies(of: directory)
            var next: ListingPlace? = ListingPlace()
            while let place = next, !Task.isCancelled {
                let page = try await cluster.readDirectoryPage(
                    directory, from: place, datagramBytes: Self.answerBytes)
                let files = page.names.map(\.targetId).filter { $0.type == .file }
                tally += await defragment(files, policies)
                next = page.next
            }
        } catch {
            // Not found: removed since it was listed.
            if !error.isRefusal(.directoryNotFound) { fail(directory, error, &tally) }
        }
        return tally
    }

    private func defragment(_ files: [InodeID], _ policies: WritePolicies) async -> DefragTally {
        await withTaskGroup(of: DefragTally.self) { group in
            var total = DefragTally()
            var running = 0
            for file in files where !Task.isCancelled {
                if running >= filesAtOnce, let tally = await group.next() {
                    total += tally
                    running -= 1
                }
                group.addTask { await self.defragment(file, policies) }
                running += 1
            }
            for await tally in group { total += tally }
            return total
        }
    }

    // MARK: Files

    private func defragment(_ file: InodeID, _ policies: WritePolicies) async -> DefragTally {
        var tally = DefragTally()
        tally.analysedFiles = 1
        do throws(ClientError) {
            var offset: UInt64 = 0
            repeat {
                let page = try await cluster.call(
                    LocalFileSpansRequest(fileId: file, byteOffset: offset, limit: 0, mtu: Self.answerBytes),
                    shard: file.shard)
                guard page.nextOffset == 0 || page.nextOffset > offset else {
                    throw ClientError(.malformedAnswer, "LOCAL_FILE_SPANS", "it does not advance")
                }
                for span in page.spans where !Task.isCancelled {
                    tally.analysedBytes += Int(span.header.size)
                    do throws(ImpossibleSpan) {
                        _ = try CheckedSpan(span, services: page.blockServices)
                    } catch {
                        fail(file, error.error("LOCAL_FILE_SPANS of \(file)"), &tally)
                        continue
                    }
                    await rewrite(span, of: file, policies, &tally)
                }
                offset = page.nextOffset
            } while offset != 0 && !Task.isCancelled
        } catch {
            if !error.isRefusal(.fileNotFound) { fail(file, error, &tally) }
        }
        if tally.rewrittenSpans > 0 { tally.rewrittenFiles = 1 }
        return tally
    }

    /// An error of one span does not keep the next ones from being looked at.
    private func rewrite(
        _ span: FetchedSpan, of file: InodeID, _ policies: WritePolicies, _ tally: inout DefragTally
    ) async {
        guard let present = filter.misfit(span, policies) else { return }
        do throws(ClientError) {
            // Only with all that is stored of it could it be stored anew: through another file that shows all.
            guard !span.isCut, try await isOnlyHere(span, of: file) else {
                tally.distributedSpans += 1
                return
            }
            guard let made = try await cluster.rewrite(span, of: file, policies) else { return }
            tally.count(present, made, bytes: span.header.size)
        } catch {
            // It is gone; or its blocks are others by now, as they move and files share spans: the next round looks.
            guard !error.isRefusal(.fileNotFound), !error.isRefusal(.swapSpansMismatchingBlocks) else { return }
            fail(file, error, &tally)
        }
    }

    /// Whether the span is stored in the first location and nowhere else. Only there can it be stored anew: two spans
    /// change places with all their locations, so the others' copies would be lost to the file.
    private func isOnlyHere(_ span: FetchedSpan, of file: InodeID) async throws(ClientError) -> Bool {
        let offset = span.header.byteOffset
        let page = try await cluster.call(
            FileSpansRequest(fileId: file, byteOffset: offset, limit: 1, mtu: Self.answerBytes), shard: file.shard)
        guard let whole = page.spans.first, whole.header.byteOffset == offset else {
            throw ClientError(.malformedAnswer, "FILE_SPANS of \(file)", "no span at \(offset)")
        }
        let checked: CheckedSpan
        do throws(ImpossibleSpan) {
            checked = try CheckedSpan(whole, services: page.blockServices)
        } catch {
            throw error.error("FILE_SPANS of \(file)")
        }
        guard case .blocks(let copies) = checked.content else {
            throw ClientError(.malformedAnswer, "FILE_SPANS of \(file)", "no blocks at \(offset)")
        }
        return copies.map(\.location) == [.default]
    }

    private func fail(_ inode: InodeID, _ error: ClientError, _ tally: inout DefragTally) {
        guard !Task.isCancelled else { return }
        report(inode.shard, inode, error)
        tally.failures += 1
    }
}
