import Client
import Glibc
import Protocol

// A finished file is continued by a new file that begins with the old contents. Meanwhile somebody else, on another
// host too, may have done the same: then what was appended here goes behind what was appended there.

extension Filesystem {
    /// More attempts than anybody else's appends can explain: each is tried again only when another one succeeded.
    private static let attemptLimit = 1000

    /// Gives a continuation its name, if that leads to what was continued.
    func linkContinuation(_ staged: StagedFile) async throws(FilesystemError) -> Timestamp {
        for _ in 0..<Self.attemptLimit {
            guard let base = staged.base else { break }
            let (writer, place) = (staged.writer, staged.place)
            do throws(ClientError) {
                return try await writer.finish(linkingIn: place.directory, name: place.name, ifUnchanged: base.id)
            } catch {
                guard error.isRefusal(.mismatchingTarget) else { throw FilesystemError(error) }
                // Where bytes belong that were not appended only who wrote them knows.
                guard staged.appendsOnly else { throw .stale }
            }
            try await rebaseOutlastingOutages(staged, from: base)
        }
        throw .stale
    }

    /// As `rebase`, however long shards are away: what was appended is not given up because they are.
    private func rebaseOutlastingOutages(_ staged: StagedFile, from old: Base) async throws(FilesystemError) {
        while true {
            do throws(FilesystemError) {
                return try await rebase(staged, from: old)
            } catch {
                guard error.mayComeBack else { throw error }
                await loop.sleep(nanoseconds: 1_000_000_000)
            }
        }
    }

    /// Begins once more with what the name leads to now, and adds what was appended here. If nothing has the name any
    /// more, what was appended becomes the file.
    private func rebase(_ staged: StagedFile, from old: Base) async throws(FilesystemError) {
        let (finished, place) = (staged.writer, staged.place)
        let base = try await base(at: place)
        let fresh = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        try await copy(base.id, 0..<base.size, to: fresh, at: 0)
        try await copy(finished.id, old.size..<staged.size, to: fresh, at: base.size)
        staged.writer = fresh
        staged.base = base
        staged.wasRebased = true
        loop.task { await finished.abandon() }
    }

    /// What a name leads to, as something to be continued.
    private func base(at place: Place) async throws(FilesystemError) -> Base {
        let target = try await posix { () throws(ClientError) in
            try await client.target(of: place.name, in: place.directory)
        }
        guard target != .null else { return .nothing }
        guard target.isFile else { throw .isDirectory }
        let size = try await posix { () throws(ClientError) in try await client.attributes(of: target) }.size
        guard size <= Self.continuableBytes else { throw .sealed }
        return Base(id: target, size: size)
    }

    /// Writes a part of a file, which may be unfinished but is stored, to one that is being written; gives that up when
    /// it cannot.
    func copy(
        _ source: InodeID, _ range: Range<UInt64>, to writer: FileWriter, at target: UInt64
    ) async throws(FilesystemError) {
        let reader = FileReader(client: client, id: source, size: range.upperBound)
        do throws(ClientError) {
            var done = range.lowerBound
            while done < range.upperBound {
                let count = Int(min(range.upperBound - done, 1 << 20))
                let bytes = try await reader.read(at: done, count: count).bytes
                guard !bytes.isEmpty else { throw ClientError(.malformedAnswer, "copying of a file", "it is shorter") }
                try await writer.write(bytes, at: target + (done - range.lowerBound))
                done += UInt64(bytes.count)
            }
        } catch {
            await writer.abandon()
            throw FilesystemError(error)
        }
    }
}
