import Client
import Glibc
import Mutations
import Protocol

// Somebody else, on another host, has published a version of a file that was appended to here: then what was appended
// here goes behind what is there now. Or a file of the same name: then it may have to be somebody's own to be replaced.

extension Filesystem {
    /// Repeats a step however long servers are away: what was written is not given up because they are.
    func outlastingOutages<T>(
        _ step: nonisolated(nonsending) () async throws(FilesystemError) -> T
    ) async throws(FilesystemError) -> T {
        while true {
            do throws(FilesystemError) {
                return try await step()
            } catch {
                guard error.mayComeBack else { throw error }
                await loop.sleep(nanoseconds: 1_000_000_000)
            }
        }
    }

    /// Begins once more with what the name leads to now, and adds what was appended here.
    func rebase(_ staged: StagedFile) async throws(FilesystemError) {
        let (finished, place) = (staged.writer, staged.place)
        var appended: UInt64 = 0
        if case .version(_, let size) = staged.base { appended = size }
        let target = try await posix { () throws(ClientError) in
            try await client.target(of: place.name, in: place.directory)
        }
        if target.isNull {
            // A file that somebody has removed is not made again. A new one has the name for itself, after all.
            guard staged.base == .nothing else { throw .stale }
            let fresh = try await posix { () throws(ClientError) in
                try await client.createFile(in: place.directory, note: place.name)
            }
            try await copy(finished.id, 0..<staged.size, to: fresh, at: 0)
            staged.writer = fresh
        } else {
            guard target.type == .file else { throw .isDirectory }
            let version = try await posix { () throws(ClientError) in try await client.version(of: target) }
            let size = version.attributes.size
            try checkMayAppend(staged, to: version.attributes)
            let fresh = try await posix { () throws(ClientError) in
                try await client.continueFile(target, size: size, in: place.directory, note: place.name)
            }
            try await copy(finished.id, appended..<staged.size, to: fresh, at: size)
            staged.writer = fresh
            staged.base = .version(target, size: size)
            staged.number = version.number
            // It is that file's next version, and takes nothing of it over.
            if !Mutation.logsAreTakenOver.isPlanted { staged.own = nil }
            staged.replacesExisting = true
            staged.wasRebased = true
            staged.hasForeignBase = true
        }
        loop.task { await finished.abandon() }
    }

    /// Whoever made a file of his own may not be let into the one that somebody else made meanwhile.
    private func checkMayAppend(_ staged: StagedFile, to found: InodeAttributes) throws(FilesystemError) {
        guard let own = staged.own?.permissions, own.user != 0,
            let there = permissions(found.stored?.ownership ?? Ownership(), of: .file)
        else { return }
        let isHis = own.user == there.user && there.mode & 0o200 != 0
        let isHisGroups = own.user != there.user && own.group == there.group && there.mode & 0o020 != 0
        let isEverybodys = own.user != there.user && own.group != there.group && there.mode & 0o002 != 0
        guard isHis || isHisGroups || isEverybodys else { throw .stale }
    }

    /// The name leads to something by now. In a directory with the sticky bit that can be replaced if it is `maker`'s, by
    /// a file that begins once more.
    func replaceOwn(_ staged: StagedFile, of maker: UInt32) async throws(FilesystemError) {
        let (finished, place) = (staged.writer, staged.place)
        let target = try await posix { () throws(ClientError) in
            try await client.target(of: place.name, in: place.directory)
        }
        var base = Base.nothing
        if !target.isNull {
            guard target.isFile else { throw .isDirectory }
            let found = try await posix { () throws(ClientError) in try await client.attributes(of: target) }
            guard permissions(found.stored?.ownership ?? Ownership(), of: target.type)?.user == maker else {
                throw FilesystemError(EACCES, "the directory is sticky, and somebody else has the name by now")
            }
            base = .version(target, size: found.size)
        }
        let fresh = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        try await copy(finished.id, 0..<staged.size, to: fresh, at: 0)
        (staged.writer, staged.base, staged.keepsBase) = (fresh, base, false)
        loop.task { await finished.abandon() }
    }

    /// Writes a part of a file, which may be unfinished but is stored, to one that is being written; gives that up when
    /// it cannot.
    private func copy(
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
