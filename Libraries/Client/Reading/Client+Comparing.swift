import Protocol

extension Client {
    /// More bytes that might be the same are not read for that: spans that were copied or are shared are compared by
    /// their checksums.
    private static let comparedBytes: UInt64 = 64 << 20

    /// Whether a version of a file begins with all of another one, so that who reads that can go on with it. The other
    /// one may be gone already, as far as its spans are known.
    /// - Parameters:
    ///   - later: the longer one, and its size.
    ///   - earlier: the other one, and its size.
    public func version(
        _ later: InodeID, _ laterSize: UInt64, continues earlier: InodeID, _ earlierSize: UInt64
    ) async throws(ClientError) -> Bool {
        guard laterSize >= earlierSize else { return false }
        let own = FileReader(client: self, id: earlier, size: earlierSize)
        let theirs = FileReader(client: self, id: later, size: laterSize)
        var offset: UInt64 = 0
        var compared: UInt64 = 0
        while offset < earlierSize {
            let (before, after) = (try await span(of: earlier, at: offset), try await span(of: later, at: offset))
            if before.byteOffset == offset, before.holdsTheSame(as: after) {
                offset = before.endOffset
                continue
            }
            let end = min(before.endOffset, after.endOffset, earlierSize, offset + UInt64(FileReader.chunkBytes))
            compared += end - offset
            guard compared <= Self.comparedBytes else { return false }
            let count = Int(end - offset)
            let bytes = try await own.read(at: offset, count: count).bytes
            guard try await theirs.read(at: offset, count: count).bytes == bytes else { return false }
            offset = end
        }
        return true
    }

    private func span(of file: InodeID, at offset: UInt64) async throws(ClientError) -> SpanInfo {
        if let known = core.spans.span(of: file, at: offset) { return known }
        _ = try await spans(of: file, from: offset)
        guard let found = core.spans.span(of: file, at: offset) else {
            throw ClientError(.malformedAnswer, "LOCAL_FILE_SPANS of \(file)", "nothing at offset \(offset)")
        }
        return found
    }
}

extension SpanInfo {
    /// Whether it is the other one, or a copy of it, going by the checksums.
    func holdsTheSame(as other: SpanInfo) -> Bool {
        guard byteOffset == other.byteOffset, logicalBytes == other.logicalBytes else { return false }
        switch (content, other.content) {
        case (.inline(let own), .inline(let theirs)): return own == theirs
        case (.blocks(let layout, let own), .blocks(let otherLayout, let theirs)):
            return layout == otherLayout && own.map(\.crc) == theirs.map(\.crc)
        default: return false
        }
    }
}
