import Mutations
import Protocol

// What is changed of the sealed part of a file is kept beside it, in memory or in the spool, until the spans that it
// touches are stored anew.

extension FileWriter {
    /// A finished file under what was written.
    struct Base {
        let id: InodeID
        let size: UInt64
    }

    /// Takes what lies in the sealed part, as far as there is room; answers how many bytes.
    func patch(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ClientError) -> Int {
        let count = Int(min(UInt64(bytes.count), sealedBytes - offset))
        let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        let done: Int
        do throws(ClientError) {
            done = try patches.write(part, at: offset, in: core.patchMemory)
        } catch {
            throw fail(error)
        }
        rebuilding?.keep(offset..<offset + UInt64(done))
        if done < count { patchShortage = patches.isSpooling(at: offset + UInt64(done)) ? .block : .memory }
        return done
    }

    /// Makes bytes zeros that take no room; the length stays.
    public func zero(_ range: Range<UInt64>) throws(ClientError) {
        try checkUsable()
        let range = range.clamped(to: 0..<size)
        guard !range.isEmpty else { return }
        edits &+= 1
        let hidden = range.clamped(to: 0..<sealedBytes)
        if !hidden.isEmpty {
            patches.zero(hidden)
            rebuilding?.keep(hidden)
        }
        let open = range.clamped(to: sealedBytes..<size)
        if !open.isEmpty { buffer?.zero(Int(open.lowerBound - sealedBytes)..<Int(open.upperBound - sealedBytes)) }
    }

    /// Sets the length: longer means zeros, which take no room.
    /// - Throws: `.tooLarge` beyond `ClientLimits.fileBytes`.
    public func truncate(to newSize: UInt64) async throws(ClientError) {
        try checkUsable()
        guard newSize <= ClientLimits.fileBytes else { throw ClientError(.tooLarge, "extension of a file") }
        while newSize < sealedBytes { try await unseal(newSize) }
        if newSize < size { buffer?.cut(to: Int(clamping: newSize - sealedBytes)) }
        size = newSize
        edits &+= 1
    }

    /// Tries to make a file that is cut within its sealed part end there: its last page is open again.
    private func unseal(_ newSize: UInt64) async throws(ClientError) {
        try await stored()
        let end = newSize / UInt64(ClientLimits.pageBytes) * UInt64(ClientLimits.pageBytes)
        let before = edits
        let page = end < newSize ? try await lastPage(end..<newSize) : FileData()
        try checkUsable()
        // Others go on writing; not often, as the kernel locks what is cut.
        guard edits == before, !isStoring, newSize < sealedBytes else { return }
        var open: SpanBuffer?
        if page.count > 0, !Mutation.cutsForgetTheirPage.isPlanted {
            guard let memory = core.pool.take(page.count) else {
                throw fail(ClientError(.noMemory, "cutting of a file"))
            }
            open = SpanBuffer(memory: memory, capacity: policies.largestSpanBytes)
            page.withUnsafeSegments { pieces in
                var offset = 0
                for piece in pieces {
                    open?.write(piece, at: offset)
                    offset += piece.count
                }
            }
        }
        patches.remove([end..<sealedBytes])
        if patches.isEmpty { wantsRebuilding = false }
        buffer = open
        sealedBytes = end
        size = newSize
        if end == 0 { base = nil }
        moves &+= 1
        edits &+= 1
    }

    /// Whoever ignores that a cut failed must not publish the file.
    private func lastPage(_ range: Range<UInt64>) async throws(ClientError) -> FileData {
        do throws(ClientError) {
            return try await client.outlastingOutages { () throws(ClientError) in
                try await read(at: range.lowerBound, count: range.count)
            }
        } catch {
            throw fail(error)
        }
    }
}
