import EventLoop
import Mutations
import Protocol

// A transient file only grows. So what is changed within it, cut off it, or continued as another file, is stored in a
// successor, front to back, which then takes its place. So is what a lost file had.

extension FileWriter {
    /// A successor is being stored.
    struct Rebuilding {
        /// Nil as long as it is being made.
        var successor: TransientHandle?
        /// What is hidden by patches that the successor will have.
        let touched: OffsetSet
        /// Those that were not written over since; the others are still needed afterwards.
        private(set) var absorbed: OffsetSet
        /// Whether untouched spans are referred to, as long as nobody refuses that.
        var refers = true
        /// What comes next, if it is a span and coded already.
        var next: (span: EncodedSpan, byteOffset: UInt64)?

        init(_ touched: OffsetSet) {
            self.touched = touched
            absorbed = touched
        }

        /// It was written to once more.
        mutating func keep(_ range: Range<UInt64>) {
            if !Mutation.patchesDuringRebuildingAreDropped.isPlanted { absorbed.remove(range) }
        }
    }

    /// Rebuildings of one file because it was lost, without a sign of life from its shard in between.
    static let restorationLimit = 3

    /// Whether nothing else can be stored before the file was rebuilt.
    var mustRebuild: Bool {
        if let next = sealed.first {
            // What is patched there has to be stored before.
            return next.byteOffset != ownBytes || wantsPatches && patches.map.end <= next.byteOffset
        }
        return wantsPatches || isEnded && ownBytes != sealedBytes
    }

    private var wantsPatches: Bool { !patches.isEmpty && (isEnded || wantsRebuilding) }

    /// Stores everything up to what is sealed and not stored once more, in another transient file. Unless this one was
    /// not lost at all, but has its name already: then an answer was.
    func rebuild() async throws(ClientError) {
        if isLost {
            if let version = try await version(of: handle) {
                published = version
                isLost = false
                return dropSealed()
            }
            restorations += 1
            guard restorations <= Self.restorationLimit else { throw ClientError(.expired, "keeping of \(handle.id)") }
            // A finished file is there for longer.
            if let referred, referred.size == ownBytes, !Mutation.lostFilesForgetTheirBase.isPlanted { base = referred }
        }
        let (old, end) = (handle, lowerBytes)
        // One that has nothing yet is as good as another.
        let isFresh = ownBytes == 0 && !isLost
        let since = core.openFiles.clock()
        if patches.map.end <= end { wantsRebuilding = false }
        var touched = patches.map.touched
        touched.remove(end..<max(end, touched.end))
        rebuilding = Rebuilding(touched)
        defer { rebuilding = nil }
        let successor: TransientHandle
        do throws(ClientError) {
            successor = try await fill(isFresh ? old : nil, upTo: end, touched)
        } catch {
            if !isFresh, let unfinished = rebuilding?.successor { await client.scrap(unfinished) }
            throw error
        }
        patches.remove(rebuilding?.absorbed.ranges ?? [])
        handle = successor
        base = nil
        referred = nil
        ownBytes = end
        isLost = false
        moves &+= 1
        core.openFiles.touched(self, at: since)
        if !isFresh {
            let scrapping = client.loop.task { [client] in await client.scrap(old) }
            if old.id == firstID { givingUpFirst = scrapping }
        }
    }

    /// A file to be the successor.
    func anotherFile() async throws(ClientError) -> TransientHandle {
        let made = try await client.persistently { () throws(ClientError) in
            try await client.construct(in: handle.id.shard, note: note, type: handle.id.type)
        }
        rebuilding?.successor = made
        return made
    }

    /// What the file was published as; nil when it was not.
    private func version(of file: TransientHandle) async throws(ClientError) -> PublishedVersion? {
        let client = client
        do throws(ClientError) {
            let version = try await client.persistently { () throws(ClientError) in
                try await client.version(of: file.id)
            }
            return PublishedVersion(creationTime: version.attributes.modified, number: version.number)
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw error }
            return nil
        }
    }
}

extension Client {
    /// Repeats a step that reads what is stored while servers are away. Meanwhile a file that is being stored must not
    /// expire.
    nonisolated(nonsending) func outlastingOutages<T>(
        of file: TransientHandle? = nil, _ step: nonisolated(nonsending) () async throws(ClientError) -> T
    ) async throws(ClientError) -> T {
        let start = loop.monotonicNanoseconds
        while true {
            do {
                return try await step()
            } catch {
                guard error.mayComeBack, mayPersist(since: start) else { throw error }
                await loop.sleep(nanoseconds: 1_000_000_000)
                // Whether it was lost shows when something is stored in it.
                if let file { try? await renew(file) }
            }
        }
    }

    /// The span of a file, transient and expired or not, that covers `offset`.
    func storedSpan(of file: InodeID, at offset: UInt64) async throws(ClientError) -> FetchedSpan {
        let request = LocalFileSpansRequest(
            fileId: file, byteOffset: offset, limit: 1, mtu: options.datagramBytes)
        let page = try await persist(request, shard: file.shard)
        if let span = page.spans.first, span.header.byteOffset <= offset,
            offset - span.header.byteOffset < UInt64(span.header.size)
        {
            return span
        }
        throw ClientError(.expired, "rebuilding of \(file)")
    }
}
