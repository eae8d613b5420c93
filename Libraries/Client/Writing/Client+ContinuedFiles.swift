import Protocol

extension Client {
    /// Begins a version of a finished file: its content is that of `id` at first, and can be changed anywhere. Nothing
    /// of it is copied before something else has to be stored behind it, or it is finished.
    /// - Parameters:
    ///   - size: of the file `id`.
    ///   - directory: where it will get its name, as in `createFile`.
    /// - Throws: also when `id` cannot be read at the moment.
    public func continueFile(
        _ id: InodeID, size: UInt64, in directory: InodeID, note: [UInt8]
    ) async throws(ClientError) -> FileWriter {
        let writer = try await createFile(in: directory, note: note)
        do throws(ClientError) {
            let start = try await openStart(of: id, size, writer.policies)
            try await writer.begin(with: FileWriter.Base(id: id, size: size), openFrom: start)
        } catch {
            await writer.abandon()
            throw error
        }
        return writer
    }

    private func openStart(
        of id: InodeID, _ size: UInt64, _ policies: WritePolicies
    ) async throws(ClientError) -> UInt64 {
        var ends: [Range<UInt64>] = []
        var offset = size - min(size, OpenStart.lookedAtBytes)
        while offset < size {
            let before = offset
            for span in try await spans(of: id, from: offset) where span.endOffset > offset {
                ends.append(span.byteOffset..<span.endOffset)
                offset = span.endOffset
            }
            guard offset > before else {
                throw ClientError(.malformedAnswer, "LOCAL_FILE_SPANS of \(id)", "they end at \(offset), not \(size)")
            }
        }
        return OpenStart.of(ends, size: size, limit: UInt64(policies.largestSpanBytes / 2))
    }
}

extension FileWriter {
    func begin(with base: Base, openFrom start: UInt64) async throws(ClientError) {
        if start > 0 { self.base = base }
        (sealedBytes, size) = (start, start)
        guard start < base.size else { return }
        let reader = FileReader(client: client, id: base.id, size: base.size)
        let open = try await reader.read(at: start, count: Int(base.size - start))
        try await write(open.bytes, at: start)
    }
}
