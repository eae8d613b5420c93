import Client
import Glibc
import Mutations
import Protocol

// Somebody else, on another host, has published a version of a file that was appended to here: then what was appended
// here goes behind what is there now, and what replaces all of it takes the place of that. Or a file of the same name:
// then it may have to be somebody's own to be replaced.

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

    /// Begins once more with what the name leads to now, and adds what was appended here, or replaces that.
    func rebase(_ staged: StagedFile) async throws(FilesystemError) {
        let (finished, place) = (staged.writer, staged.place)
        let target = try await posix { () throws(ClientError) in
            try await client.target(of: place.name, in: place.directory)
        }
        if target.isNull {
            // A file that somebody has removed is not made again. A new one has the name for itself, after all.
            guard staged.base == .nothing else { throw .stale }
            staged.writer = try await copy(of: staged)
        } else {
            guard target.type == .file else { throw .isDirectory }
            let version = try await posix { () throws(ClientError) in try await client.version(of: target) }
            try await checkMayJoin(staged, version)
            if staged.replacesAll {
                staged.writer = try await copy(of: staged)
                staged.base = .version(target, size: version.attributes.size)
            } else {
                try await join(staged, version)
            }
        }
        loop.task { await finished.abandon() }
    }

    /// All that was written, in a file of its own: a file whose publication was refused can only be read.
    private func copy(of staged: StagedFile) async throws(FilesystemError) -> FileWriter {
        let (finished, place) = (staged.writer, staged.place)
        let fresh = try await posix { () throws(ClientError) in
            try await client.createFile(in: place.directory, note: place.name)
        }
        try await copy(finished.id, 0..<staged.size, to: fresh, at: 0)
        return fresh
    }

    /// What was appended goes behind a version that somebody else has published.
    private func join(_ staged: StagedFile, _ version: FileVersion) async throws(FilesystemError) {
        let (finished, place, found) = (staged.writer, staged.place, version.attributes)
        var appended: UInt64 = 0
        if case .version(_, let size) = staged.base { appended = size }
        let fresh = try await posix { () throws(ClientError) in
            try await client.continueFile(found.id, size: found.size, in: place.directory, note: place.name)
        }
        try await copy(finished.id, appended..<staged.size, to: fresh, at: found.size)
        staged.writer = fresh
        staged.base = .version(found.id, size: found.size)
        staged.number = version.number
        // It is that file's next version, and takes nothing of it over.
        if !Mutation.logsAreTakenOver.isPlanted { staged.own = nil }
        staged.replacesExisting = true
        staged.wasRebased = true
        staged.hasForeignBase = true
    }

    /// An edit is of one file, and of no other that has its name by now. A file that was begun here may turn out to be
    /// the next version of one that somebody else has made meanwhile, if all who work with it may work with that;
    /// rights that somebody has chosen for it would be lost without a word.
    private func checkMayJoin(_ staged: StagedFile, _ version: FileVersion) async throws(FilesystemError) {
        let found = version.attributes
        guard found.stored?.special == nil else { throw .stale }
        if let number = staged.number {
            let isSame = number == version.number || !numbersFiles || Mutation.appendsJoinAnyFile.isPlanted
            guard isSame else { throw .stale }
            return
        }
        guard let own = staged.own?.permissions, let stored = found.stored,
            let there = permissions(stored.ownership, of: .file), !Mutation.joinersMayDoAnything.isPlanted
        else { return }
        guard !staged.hasChosenRights else { throw .stale }
        var list: AccessControlList?
        if stored.extendedBytes > 0 {
            let all = try await posix { () throws(ClientError) in try await client.extendedAttributes(of: found.id) }
            list = ExtendedAttributes(all)[ExtendedAttributes.accessList].flatMap(AccessControlList.init(encoded:))
        }
        let isHis = there.surelyAllow(user: own.user, group: own.group, Permissions.write, list: list)
        let isTheirs = openFiles.values.allSatisfy { file in
            let wanted = (file.reads ? Permissions.read : 0) | (file.writes ? Permissions.write : 0)
            return file.node !== staged.node
                || there.surelyAllow(user: file.caller.user, group: file.caller.group, wanted, list: list)
        }
        guard isHis, isTheirs else { throw .stale }
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
        let fresh = try await copy(of: staged)
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
