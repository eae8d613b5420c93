import Mutations
import Protocol

extension Client {
    /// Begins a version of a finished file: its content is that of `id` at first, and can be changed anywhere.
    ///
    /// Where it can, it refers to what `id` has from the start, so that nothing of that can go any more. Else nothing
    /// is copied before something else has to be stored behind it, or it is finished.
    /// - Parameters:
    ///   - size: of the file `id`.
    ///   - directory: where it will get its name, as in `createFile`.
    /// - Throws: also when what has to be read of `id` could not be read for `options.writeTimeoutNanoseconds`.
    public func continueFile(
        _ id: InodeID, size: UInt64, in directory: InodeID, note: [UInt8]
    ) async throws(ClientError) -> FileWriter {
        let writer = try await createFile(in: directory, note: note)
        do throws(ClientError) {
            let start = try await outlastingOutages(of: writer.handle) { () throws(ClientError) in
                try await openStart(of: id, size, writer.policies)
            }
            try await writer.begin(with: FileWriter.Base(id: id, size: size), openFrom: start)
        } catch {
            await writer.abandon()
            throw error
        }
        return writer
    }

    private func openStart(
        of id: InodeID, _ size: UInt64, _ policies: WritePolicies
    ) async throws(ClientError) -> OpenStart {
        var ends: [Range<UInt64>] = []
        var endsInHole = false
        var offset = size - min(size, OpenStart.lookedAtBytes)
        while offset < size {
            let before = offset
            for span in try await spans(of: id, from: offset)
            where span.byteOffset <= offset && span.endOffset > offset {
                offset = min(span.endOffset, size)
                ends.append(span.byteOffset..<offset)
                endsInHole = span.isHole
            }
            guard offset > before else {
                throw ClientError(.malformedAnswer, "LOCAL_FILE_SPANS of \(id)", "they end at \(offset), not \(size)")
            }
        }
        let limit = UInt64(policies.largestSpanBytes / 2)
        return OpenStart(ends, endsInHole: endsInHole, size: size, limit: limit)
    }
}

extension FileWriter {
    func begin(with base: Base, openFrom start: OpenStart) async throws(ClientError) {
        let stored = start.offset
        if stored > 0, try await !refer(to: Base(id: base.id, size: stored)) { self.base = base }
        (sealedBytes, size) = (stored, stored)
        guard stored < base.size else { return }
        guard !start.isHole else { return try await truncate(to: base.size) }
        let reader = FileReader(client: client, id: base.id, size: base.size)
        let open = try await client.outlastingOutages(of: handle) { () throws(ClientError) in
            try await reader.read(at: stored, count: Int(base.size - stored))
        }
        try await write(open.bytes, at: stored)
    }

    /// Has the transient file begin with all that a finished one has up to `beginning.size`; false: it cannot.
    private func refer(to beginning: Base) async throws(ClientError) -> Bool {
        let all = 0..<beginning.size
        guard beginning.id.shard == handle.id.shard, !Mutation.continuedFilesRiskTheirBase.isPlanted,
            try await client.referable(all, of: beginning.id, for: policies) == all
        else { return false }
        let since = core.openFiles.clock()
        do throws(ClientError) {
            ownBytes = try await client.refer(handle, at: 0, to: beginning.id, all)
        } catch {
            guard error.code != nil else { throw error }
            // It may have got a part, which a successor will replace.
            ownBytes = try await client.size(of: handle)
        }
        core.openFiles.touched(self, at: since)
        guard ownBytes == beginning.size else { return false }
        referred = beginning
        return true
    }
}

extension SpanInfo {
    /// Whether it is zeros that are not stored.
    fileprivate var isHole: Bool {
        guard case .inline(let bytes) = content else { return false }
        return bytes.allSatisfy { $0 == 0 }
    }
}
