import EventLoop
import Protocol

extension Client {
    /// Stores a span of a finished file anew, as `policies` want it now, in a file of its own, and lets the two
    /// versions change places in one step (services.md D.8). The old one goes with that file. Cut off anywhere,
    /// the file under `id` has one version or the other.
    /// - Parameter span: as the shard described it just now.
    /// - Returns: the new layout; nil when the content, read, turns out to be stored as the policies want it, or so
    ///   little that it would be kept by the shard, which cannot change places with blocks.
    /// - Throws: also when the content is not what the span's checksum says; then nothing was changed.
    package func storeAnew(
        _ span: FetchedSpan, of id: InodeID, _ policies: WritePolicies
    ) async throws(ClientError) -> SpanLayout? {
        guard case .blocks(let old) = span.body,
            let present = SpanLayout(
                parity: old.parity, stripes: old.stripes, cellBytes: old.cellSize,
                storageClass: span.header.storageClass)
        else { throw ClientError(.malformedAnswer, "rewriting of a span", "it makes no sense") }
        let encoded = try await encoded(span, from: try await open(id), policies)
        guard case .blocks(let blocks) = encoded.content, blocks.layout != present else { return nil }
        guard encoded.crc == span.header.crc else {
            throw ClientError(.corruptPage, "rewriting of a span", "the content does not match the span's checksum")
        }
        let scratch = try await construct(in: id.shard, note: Array("defrag".utf8))
        do throws(ClientError) {
            let stored = try await store(encoded, in: scratch, at: 0, near: id)
            _ = try await call(
                SwapSpansRequest(
                    fileId1: scratch.id, byteOffset1: 0, blocks1: stored.blocks, fileId2: id,
                    byteOffset2: span.header.byteOffset, blocks2: old.blocks.map(\.blockId)),
                shard: id.shard)
        } catch {
            // Whichever version the file under `id` has now, the scratch file has the other one.
            await scrap(scratch)
            throw error
        }
        await scrap(scratch)
        core.spans.forget(id, span.header.byteOffset..<span.header.byteOffset + UInt64(span.header.size))
        return blocks.layout
    }

    /// Reads the span and codes it as a writer would today.
    func encoded(
        _ span: FetchedSpan, from reader: FileReader, _ policies: WritePolicies
    ) async throws(ClientError) -> EncodedSpan {
        let count = Int(span.header.size)
        let data = try await reader.read(at: span.header.byteOffset, count: count)
        guard data.count == count else {
            throw ClientError(.malformedAnswer, "rewriting of a span", "\(data.count) of \(count) bytes")
        }
        return try await encoded(data, policies)
    }

    /// Codes bytes as one span.
    func encoded(_ data: FileData, _ policies: WritePolicies) async throws(ClientError) -> EncodedSpan {
        let buffer = try spanBuffer(data.count, policies)
        data.copy(to: UnsafeMutableRawBufferPointer(start: buffer.base, count: data.count))
        return try await encoded(buffer, data.count, policies)
    }

    /// Memory for a span and what coding adds to it.
    nonisolated func spanBuffer(_ count: Int, _ policies: WritePolicies) throws(ClientError) -> PooledBuffer {
        let size = max(SpanEncoder.bufferBytes(policies), count)
        guard let buffer = core.pool.take(size) else {
            throw ClientError(.noMemory, "rewriting of a span", "no memory for \(size) bytes")
        }
        return buffer
    }

    /// Codes the first `count` bytes of memory from `spanBuffer` as one span.
    func encoded(
        _ buffer: PooledBuffer, _ count: Int, _ policies: WritePolicies
    ) async throws(ClientError) -> EncodedSpan {
        let pool = core.pool
        let coding = SpanEncoding(on: loop) {
            SpanEncoder.encode(
                buffer, filled: count, logicalBytes: UInt32(count), policies: policies, pool: pool)
        }
        guard let encoded = await coding.value() else {
            throw ClientError(.badPolicy, "rewriting of a span", "it cannot be coded as the policies say")
        }
        return encoded
    }
}
