import Mutations
import Protocol

extension FileWriter {
    /// Appends a range of a finished file, without moving data: both refer to the same spans from then on (extension
    /// SHARED_SPANS). What is open is stored before, as a span.
    /// - Parameter range: whole pages, and as in `Client.refer`; what of a range suits this file, `Client.referable`
    ///   says.
    /// - Returns: whether it was done. It is not when the file does not end at a page, lies in another shard or was
    ///   written to meanwhile, nor when the shard refuses or what has to be read for it cannot be read at the moment.
    public func append(
        referringTo source: InodeID, _ range: Range<UInt64>
    ) async throws(ClientError) -> Bool {
        try checkUsable()
        let (start, before, page) = (size, edits, UInt64(ClientLimits.pageBytes))
        guard source.shard == handle.id.shard, !range.isEmpty, start % page == 0, UInt64(range.count) % page == 0
        else { return false }
        while sealedBytes < start, edits == before {
            if hasRoom { seal(before: start) } else { await waitForRoom() }
            try checkUsable()
        }
        try await stored()
        // Nothing of this file is at stake yet.
        guard let cut = try? await client.cut(of: source, at: range.upperBound) else { return false }
        guard edits == before, !isEnded, !isStoring, !isLost, ownBytes == start, buffer == nil else { return false }
        // Nothing else is stored meanwhile.
        isStoring = true
        let outcome = await refer(to: source, range, cut)
        isStoring = false
        defer {
            startStoring()
            progressed()
        }
        do {
            ownBytes = try outcome.get()
        } catch {
            // Nobody knows what the file has now.
            throw fail(error)
        }
        // What it has too much or too little then, a successor will not.
        guard edits == before || Mutation.referencesHideWrites.isPlanted, !isEnded,
            ownBytes == start + UInt64(range.count)
        else { return false }
        edits &+= 1
        (sealedBytes, size) = (ownBytes, ownBytes)
        if start > 0 { referred = nil }
        return true
    }

    /// The end of the transient file afterwards.
    private func refer(
        to source: InodeID, _ range: Range<UInt64>, _ cut: Client.SpanCut
    ) async -> Result<UInt64, ClientError> {
        let (client, file, start, since) = (client, handle, ownBytes, core.openFiles.clock())
        do throws(ClientError) {
            let end: UInt64
            do throws(ClientError) {
                end = try await client.refer(file, at: start, to: source, range, cut: cut)
            } catch {
                guard error.code != nil else { throw error }
                // It may have got a part.
                end = try await client.size(of: file)
            }
            core.openFiles.touched(self, at: since)
            return .success(end)
        } catch {
            guard error.isRefusal(.fileNotFound) else { return .failure(error) }
            isLost = true
            return .success(start)
        }
    }
}
