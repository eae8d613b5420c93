import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// Copied by reading and writing in one step: what lies before the first span that can be referred to.
    private static let mostMovedBytes: UInt64 = 16 << 20
    private static let pageBytes = UInt64(ClientLimits.pageBytes)

    /// copy_file_range(2): what can be had without moving data, by referring to the same spans.
    /// - Returns: how many bytes were copied; none only at the end of the source.
    /// - Throws: EXDEV where data has to be moved, which the caller can do as well, and wait while servers are away.
    public func copy(
        _ source: HandleID, at sourceOffset: UInt64, to target: HandleID, at offset: UInt64, count: UInt64,
        by caller: Caller = .unknown
    ) async throws(FilesystemError) -> UInt64 {
        guard snapshots.readers[source] == nil else { throw .crossDevice }
        let (from, to) = (try file(source), try file(target))
        guard to.writes else { throw .badDescriptor }
        guard from.node !== to.node else { throw .crossDevice }
        if let failure = to.failure { throw failure }
        // What is being written has no spans yet.
        guard from.node.staged == nil else { throw .crossDevice }
        let size = try await attributes(of: from.node).size
        let range = sourceOffset..<max(sourceOffset, min(size, sourceOffset &+ min(count, size)))
        guard !range.isEmpty else { return 0 }
        // Spans begin at pages, so what ends within one would have to be stored again with whatever comes behind it.
        let pages = range.lowerBound..<max(range.lowerBound, range.upperBound / Self.pageBytes * Self.pageBytes)
        guard !pages.isEmpty, offset % Self.pageBytes == 0 else { throw .crossDevice }
        return try await changing(
            to, "copy_file_range", Self.range(range.count, at: offset)
        ) { turn throws(FilesystemError) in
            try await copy(range, pages, of: from, to: to, at: offset, turn, by: caller)
        }
    }

    /// - Parameter pages: the whole ones of `range`.
    private func copy(
        _ range: Range<UInt64>, _ pages: Range<UInt64>, of from: OpenFile, to: OpenFile, at offset: UInt64,
        _ turn: ChangeLine.Turn, by caller: Caller
    ) async throws(FilesystemError) -> UInt64 {
        let staged = try await stagedForWriting(to, at: offset, count: range.count, false)
        clearPrivileges(of: staged, for: caller)
        let (content, writer) = (from.node.content, staged.writer)
        guard from.node.staged == nil, staged.size == offset, Self.fits(range.count, at: offset) else {
            throw .crossDevice
        }
        let found = try await orElsewhere { [patience, client] () throws(FilesystemError) in
            try await patience.run { () throws(ClientError) in
                try await client.referable(pages, of: content, for: writer.policies)
            }
        }
        guard let found, found.lowerBound - pages.lowerBound <= Self.mostMovedBytes else { throw .crossDevice }
        guard found.lowerBound == pages.lowerBound else {
            return try await move(pages.lowerBound..<found.lowerBound, of: from, to: to, at: offset, turn)
        }
        // Published, or changed, meanwhile: whoever asked copies the bytes.
        guard staged.state == .building, staged.size == offset else { throw .crossDevice }
        return try await refer(staged, to: content, found, turn)
    }

    private func refer(
        _ staged: StagedFile, to content: InodeID, _ range: Range<UInt64>, _ turn: ChangeLine.Turn
    ) async throws(FilesystemError) -> UInt64 {
        let start = staged.size
        staged.willChange(start..<start + UInt64(range.count), appends: false)
        let isDone = try await change(staged, turn, "copy_file_range") { writer async throws(ClientError) in
            try await writer.append(referringTo: content, range)
        }
        guard isDone || Mutation.refusedCopiesCount.isPlanted else { throw .crossDevice }
        return UInt64(range.count)
    }

    /// While servers are away whoever copies can do it himself, and wait for them.
    private func orElsewhere<T>(
        _ step: nonisolated(nonsending) () async throws(FilesystemError) -> T
    ) async throws(FilesystemError) -> T {
        do throws(FilesystemError) {
            return try await step()
        } catch {
            throw error.mayComeBack ? .crossDevice : error
        }
    }

    private func move(
        _ range: Range<UInt64>, of source: OpenFile, to target: OpenFile, at offset: UInt64, _ turn: ChangeLine.Turn
    ) async throws(FilesystemError) -> UInt64 {
        guard let reader = source.reader(client) else { throw .inputOutput }
        let bytes = try await orElsewhere { [patience] () throws(FilesystemError) in
            try await patience.run { () throws(ClientError) in
                try await reader.read(at: range.lowerBound, count: range.count)
            }
        }.bytes
        try await write(bytes, at: offset, appends: false, through: target, turn, by: .unknown)
        return UInt64(bytes.count)
    }
}
