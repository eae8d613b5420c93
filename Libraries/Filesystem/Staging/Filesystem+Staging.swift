import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// More is refused before anything is done: every 4 GiB of a hole are a span of their own.
    static let largestFileBytes = ClientLimits.fileBytes

    /// What a staged file begins with that is to be the next version of a finished one.
    enum Beginning {
        /// All of that, and it is added to or changed.
        case everything(appends: Bool)
        case nothing
    }

    /// A new file, which this filesystem sees at `place` from now on.
    /// - Parameter initial: nil where owners are not stored.
    func stage(
        _ place: Place, _ mode: OpenMode, _ initial: InitialAttributes?, by creator: any Creator
    ) async throws(FilesystemError) -> StagedFile {
        try Self.checkNewName(place.name)
        guard stagedNames.node(at: place) == nil else { throw .exists }
        let writer = try await writer(in: place.directory, note: place.name)
        try await checkNotEnding(abandoning: writer)
        guard stagedNames.node(at: place) == nil else {
            await writer.abandon()
            throw .exists
        }
        // Another host may make a file of that name in the same moment, which only whoever truncates means to replace, and
        // not everybody may.
        let replaces = mode.truncates && !mode.isExclusive || Mutation.newFilesReplaceAnything.isPlanted
        let isFree = Mutation.stickyNamesAreTaken.isPlanted
        let replacer = isFree ? nil : initial.flatMap { $0.replacesOnlyOwn ? $0.permissions.user : nil }
        let node = nodes.node(for: NodeID(writer.id))
        let staged = make(
            node, writer, place, creator, base: replaces && replacer == nil ? .anything : .nothing, number: nil,
            appendsOnly: !mode.truncates)
        staged.isExclusive = mode.isExclusive
        staged.replacer = replacer
        staged.sparingMaker = replaces ? replacer : nil
        staged.own = initial
        begin(staged)
        return staged
    }

    /// The staged file that changes of a node go to, begun if there is none. Who meets a publishing waits for its end,
    /// and what he writes is an edit of what was published.
    func staged(
        _ node: Node, by creator: any Creator, _ beginning: Beginning
    ) async throws(FilesystemError) -> StagedFile {
        while true {
            if let staged = node.staged {
                guard staged.state != .building else { return staged }
                try await settle(node)
            } else if node.isStaging {
                await node.change()
            } else {
                try checkNotEnding()
                node.isStaging = true
                defer {
                    node.isStaging = false
                    node.wake()
                }
                return try await stage(node, by: creator, beginning)
            }
        }
    }

    /// The next version of a finished file, under its node.
    private func stage(
        _ node: Node, by creator: any Creator, _ beginning: Beginning
    ) async throws(FilesystemError) -> StagedFile {
        while true {
            guard let place = node.place ?? (node.isUnlinked ? node.lastPlace : nil) else { throw .stale }
            let content = node.content
            let (writer, base) = try await writer(for: node, at: place, beginning)
            try await checkNotEnding(abandoning: writer)
            guard node.content == content else {
                await writer.abandon()
                continue
            }
            // Its name may have been given to another file that is being written here, by way of another host.
            if let other = stagedNames.node(at: node.place ?? place), other != node.id, !node.isUnlinked {
                await writer.abandon()
                throw .stale
            }
            var appends = false
            if case .everything(true) = beginning { appends = true }
            let staged = make(
                node, writer, node.place ?? place, creator, base: base, number: node.number, appendsOnly: appends)
            if case .nothing = beginning { staged.beginAnew() }
            staged.home = place.directory
            staged.isUnlinked = node.place == nil
            staged.replacesExisting = node.place != nil
            begin(staged)
            return staged
        }
    }

    private func writer(
        for node: Node, at place: Place, _ beginning: Beginning
    ) async throws(FilesystemError) -> (FileWriter, Base) {
        guard case .everything = beginning else {
            // Another file of that name is not for whoever has opened this one to replace. Where shards cannot tell
            // versions from files, he replaces either.
            let isSafe = numbersFiles && !Mutation.truncationsReplaceAnything.isPlanted
            let base = isSafe ? Base.version(node.content, size: node.contentSize ?? 0) : .anything
            return (try await writer(in: place.directory, note: place.name), base)
        }
        while true {
            let content = node.content
            let size: UInt64
            if let known = node.contentSize { size = known } else { size = try await attributes(of: node).size }
            do {
                let writer = try await patience.run({ [client] () throws(ClientError) in
                    try await client.continueFile(content, size: size, in: place.directory, note: place.name)
                }, late: { await $0.abandon() })
                return (writer, .version(content, size: size))
            } catch {
                guard error.isRefusal(.fileNotFound), try await followNewest(node) else { throw error }
            }
        }
    }

    /// Of a file that begins with nothing.
    private func writer(in directory: InodeID, note: [UInt8]) async throws(FilesystemError) -> FileWriter {
        try await posix { () throws(ClientError) in try await client.createFile(in: directory, note: note) }
    }

    private func make(
        _ node: Node, _ writer: FileWriter, _ place: Place, _ creator: any Creator, base: Base, number: InodeID?,
        appendsOnly: Bool
    ) -> StagedFile {
        lastStaged += 1
        return StagedFile(
            serial: lastStaged, node, writer, place, home: place.directory, creator: creator, base: base,
            number: number, appendsOnly: appendsOnly, now: now())
    }

    private func begin(_ staged: StagedFile) {
        stagedFiles[staged.node.id] = staged
        staged.node.staged = staged
        guard !staged.isUnlinked else { return }
        stagedNames.insert(staged.node.id, at: staged.place)
        stand(staged.node, at: staged.place)
    }

    // MARK: Changing

    /// Runs a change of a staged file when it is its turn; it is published only when that has ended. The first failure
    /// sticks.
    /// - Returns: what the step answered.
    /// - Throws: its error, or ETIMEDOUT; then it goes on all the same and keeps its turn, and what becomes of it the
    ///   close tells.
    func change<T: Sendable>(
        _ staged: StagedFile, _ turn: ChangeLine.Turn, _ operation: StaticString,
        _ step: @escaping @Sendable (FileWriter) async throws(ClientError) -> T
    ) async throws(FilesystemError) -> T {
        if let failure = staged.failure { throw failure }
        let (writer, node, serial) = (staged.writer, staged.node.id, staged.serial)
        staged.changes += 1
        staged.node.line.begin(turn)
        staged.node.wake()
        let task = loop.task { () async -> Result<T, FilesystemError> in
            do throws(ClientError) {
                return .success(try await step(writer))
            } catch {
                return .failure(FilesystemError(error))
            }
        }
        guard let outcome = await patience.outcome(of: task) else {
            if Mutation.lateChangesFail.isPlanted { throw fail(staged, operation, .timedOut) }
            staged.node.line.keep(turn)
            loop.task {
                var failure: FilesystemError?
                if case .failure(let late) = await task.value { failure = late }
                await self.endLate(node, serial, turn, operation, failure)
            }
            report(operation, staged.place, .timedOut)
            throw .timedOut.told
        }
        defer { changeEnded(staged) }
        switch outcome {
        case .success(let answer):
            staged.wasChanged(at: now(), isPage: turn.isPage)
            return answer
        case .failure(let failure):
            throw fail(staged, operation, failure)
        }
    }

    /// A change has ended that nobody waited for any more.
    private func endLate(
        _ id: NodeID, _ serial: UInt64, _ turn: ChangeLine.Turn, _ operation: StaticString,
        _ failure: FilesystemError?
    ) {
        if let staged = stagedFiles[id], staged.serial == serial {
            if let failure {
                _ = fail(staged, operation, failure)
                // A close may be waiting for it.
                staged.failure = staged.failure ?? failure
            } else {
                staged.wasChanged(at: now(), isPage: turn.isPage)
            }
            changeEnded(staged)
        }
        if let node = nodes[id] { leave(turn, of: node) }
    }

    private func changeEnded(_ staged: StagedFile) {
        staged.changes -= 1
        staged.node.wake()
    }

    /// Makes a staged file empty again, and whole: whatever failed before was about bytes that nobody wants now.
    func restart(_ staged: StagedFile, _ turn: ChangeLine.Turn) async throws(FilesystemError) {
        guard staged.failure != nil else {
            staged.beginAnew()
            try await change(staged, turn, "truncate") { writer async throws(ClientError) in
                try await writer.truncate(to: 0)
            }
            return
        }
        let old = staged.writer
        let fresh = try await writer(in: staged.home, note: staged.place.name)
        guard staged.state == .building, staged.writer === old else {
            // Somebody has closed it meanwhile, which failed.
            return await fresh.abandon()
        }
        staged.beginAnew()
        staged.wasChanged(at: now())
        (staged.writer, staged.failure) = (fresh, nil)
        loop.task { await old.abandon() }
    }

    // MARK: By name

    /// The staged file at a place, once it is certain whether it still is.
    func stagedFile(at place: Place) async throws(FilesystemError) -> StagedFile? {
        while let node = stagedNames.node(at: place), let staged = stagedFiles[node] {
            guard staged.state == .publishing, let publication = staged.publication else { return staged }
            guard await patience.outcome(of: publication) != nil else { throw .timedOut }
        }
        return nil
    }

    /// Takes the name from a staged file; it is scrapped with its last handle.
    func detach(_ staged: StagedFile) {
        guard staged.state != .ended else { return }
        staged.isTaken = false
        staged.isUnlinked = true
        stagedNames.remove(staged.node.id, at: staged.place)
        staged.node.nameIsGone()
    }
}
