import Glibc
import Protocol

// fsync(2) of a file under construction: everything is to be on the disks of block services when it returns.
//
// A span begins at a page and is never changed once it is stored, so what is sealed must end at a page, and every
// fsync of a little more would make a span of its own. So whole pages are sealed only where they make a decent span.
// The rest stays open, and a copy of it, the tail, is stored in a transient file beside; the next one replaces it.

extension FileWriter {
    /// So much that is open is sealed by fsync; less is copied. Every fsync stores up to this much again.
    static let leastSyncedBytes: UInt64 = 256 << 10

    struct Tail {
        let file: TransientHandle
        /// The state of the file that it is a copy of.
        let edit: UInt64
    }

    /// Returns once everything written before is stored.
    public func synchronize() async throws(ClientError) {
        try checkUsable()
        let goal = size
        // It may be cut meanwhile.
        while min(goal, size) > sealedBytes, min(goal, size) - sealedBytes >= Self.leastSyncedBytes {
            if hasRoom { seal(before: min(goal, size)) } else { await waitForRoom() }
            try checkUsable()
        }
        if !patches.isEmpty {
            wantsRebuilding = true
            startStoring()
        }
        try await stored()
        try await storeTail()
        // While another one's tail was waited for, the open span may have been sealed.
        try await stored()
    }

    private func storeTail() async throws(ClientError) {
        while isStoringTail { await nextProgress() }
        try checkFailure()
        guard !isEnded, let buffer, buffer.filled > 0, tail?.edit != edits else { return }
        isStoringTail = true
        defer {
            isStoringTail = false
            progressed()
        }
        let edit = edits
        let copied = try copy(of: buffer)
        guard let encoded = await encoding(copied, UInt64(copied.filled)).value() else { throw Self.cannotBeCoded }
        let (client, home) = (client, handle.id.shard)
        let note = Array("tail at \(sealedBytes) of ".utf8) + note
        let fresh = try await Self.store(encoded, in: home, note, client)
        dropTail()
        tail = Tail(file: fresh, edit: edit)
        // The file may have ended meanwhile.
        if isEnded { dropTail() }
    }

    /// A transient file that holds a span. While servers are away it may expire: then another one is made.
    private static func store(
        _ span: EncodedSpan, in shard: ShardID, _ note: [UInt8], _ client: Client
    ) async throws(ClientError) -> TransientHandle {
        var attempts = 0
        while true {
            attempts += 1
            let file = try await client.persistently { () throws(ClientError) in
                try await client.construct(in: shard, note: note)
            }
            do throws(ClientError) {
                try await client.store(span, in: file, at: 0)
                return file
            } catch {
                guard error.isRefusal(.fileNotFound), attempts < restorationLimit else { throw error }
            }
        }
    }

    /// Writes go on while the copy is being sent.
    private func copy(of buffer: SpanBuffer) throws(ClientError) -> SpanBuffer {
        guard let memory = core.pool.take(buffer.filled) else { throw ClientError(.noMemory, "fsync") }
        var copied = SpanBuffer(memory: memory, capacity: buffer.filled)
        copied.write(buffer.bytes(from: 0), at: 0)
        return copied
    }

    /// The tail has been stored in its place, or is of no use any more.
    func dropTail() {
        guard let file = tail?.file else { return }
        tail = nil
        client.loop.task { [client] in await client.scrap(file) }
    }

    func renewTail() async {
        guard let present = tail else { return }
        do throws(ClientError) {
            try await client.renew(present.file)
        } catch {
            guard error.isRefusal(.fileNotFound), tail?.file == present.file else { return }
            tail = nil
            // Its bytes are still here. A failure shows at the next fsync.
            try? await storeTail()
        }
    }
}
