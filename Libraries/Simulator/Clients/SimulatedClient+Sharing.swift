import Client
import Erasure
import Protocol

/// Files that refer to spans of others.
extension SimulatedClient {
    /// Makes a file that refers to a part of another one, which may be cut in its last span, and may go on with a span
    /// of its own; sometimes by way of a third file that is given up.
    func copy(_ source: InodeID, to place: Place) async throws(ClientError) {
        guard let contents = cluster.contents[source], !contents.spans.isEmpty else { return }
        let first = Int.random(in: 0..<contents.spans.count, using: &world.random)
        let wanted = Array(contents.spans[first...])
        if world.random.perMille(200) {
            let aside = try await construct(in: source.shard, "aside")
            var copied = FileContents()
            try await refer(aside, &copied, to: wanted, of: source)
            guard !copied.spans.isEmpty else { return }
            try await link(try await construct(in: source.shard, "copy"), copied.spans, of: aside.id, at: place)
            if world.random.perMille(500) { try await scrap(aside) }
        } else {
            try await link(try await construct(in: source.shard, "copy"), wanted, of: source, at: place)
        }
    }

    private func link(
        _ file: TransientInode, _ spans: [FileContents.Span], of source: InodeID, at place: Place
    ) async throws(ClientError) {
        var contents = FileContents()
        try await refer(file, &contents, to: spans, of: source)
        if world.random.perMille(300) {
            let span = FileContents.blockSpan(at: contents.size, &world.random)
            try await addBlockSpan(span, to: file)
            contents.spans.append(span)
        }
        cluster.contents[file.id] = contents
        let intent = want(.put(file.id), place, "copy")
        let outcome = await counted(
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: place.directory, name: place.name),
            shard: place.directory.shard)
        settle([intent], outcome.map { Meaning(target: file.id, creationTime: $0.creationTime) })
        _ = try outcome.result.get()
    }

    /// Refers to these spans, which follow each other in the source, step by step as shards want it.
    private func refer(
        _ file: TransientInode, _ contents: inout FileContents, to spans: [FileContents.Span], of source: InodeID
    ) async throws(ClientError) {
        guard let first = spans.first else { return }
        var wanted = spans
        var (kept, rest) = (CRC32C.zero, CRC32C.zero)
        if let last = wanted.last, !last.cells.isEmpty, world.random.perMille(400) {
            (kept, rest) = (last.cells[0], last.cells[1].zeroExtended(by: Int64(last.holes)))
            wanted[wanted.count - 1] = FileContents.Span(
                byteOffset: last.byteOffset, size: FileContents.cellSize, crc: kept, storedSize: last.storedSize)
        }
        let length = wanted.reduce(0) { $0 + UInt64($1.size) }
        var size: UInt64 = 0
        while size < length {
            let request = ReferSpansRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: size, sourceId: source,
                sourceOffset: first.byteOffset + size, length: length - size, keptCrc: kept, restCrc: rest)
            let reached = try await call(request, shard: source.shard).size
            guard reached > size else { throw ClientError(.malformedAnswer, "a reference") }
            size = reached
        }
        for var span in wanted {
            span.byteOffset -= first.byteOffset
            contents.spans.append(span)
        }
    }
}
