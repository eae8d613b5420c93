import Client
import EventLoop
import Glibc
import Logging
import Mutations
import Protocol

extension Filesystem {
    /// Makes the file visible, once, however many ask; nil when it is. ETIMEDOUT: not yet, but it goes on being tried.
    /// After anything else the file is given up.
    func publish(_ staged: StagedFile) async -> FilesystemError? {
        let publication = staged.publication ?? beginPublishing(staged)
        if let outcome = await patience.outcome(of: publication) { return outcome }
        report("close", staged.place, .timedOut)
        return .timedOut
    }

    private func beginPublishing(_ staged: StagedFile) -> Task<FilesystemError?, Never> {
        let node = staged.node
        let isOver = staged.state == .ended
        if !isOver { staged.state = .publishing }
        let publication = loop.task { [weak self] () -> FilesystemError? in
            guard let self, !isOver else { return .inputOutput }
            return await self.publishNow(node)
        }
        staged.publication = publication
        return publication
    }

    /// Waits until a file that is being published is so.
    func published(_ staged: StagedFile) async throws(FilesystemError) {
        guard let publication = staged.publication else { return }
        guard let outcome = await patience.outcome(of: publication) else { throw .timedOut }
        if let outcome { throw outcome }
    }

    /// Waits until a file that is being published is so, or will never be.
    func settle(_ node: Node) async throws(FilesystemError) {
        guard let publication = node.staged?.publication else { return }
        guard await patience.outcome(of: publication) != nil else { throw .timedOut }
    }

    private func publishNow(_ node: NodeID) async -> FilesystemError? {
        guard let staged = stagedFiles[node] else { return .inputOutput }
        do throws(FilesystemError) {
            if let failure = staged.failure { throw failure }
            let created = try await link(staged)
            finish(staged, created)
            await applyTimes(staged)
            return nil
        } catch {
            report("close", staged.place, error)
            await scrap(staged)
            return error
        }
    }

    // MARK: Linking

    /// Gives the file its name. It can be linked only from the shard in which it was made; a place elsewhere it reaches
    /// by a rename.
    private func link(_ staged: StagedFile) async throws(FilesystemError) -> Timestamp {
        let writer = staged.writer
        let place = staged.place
        if staged.base != nil, !Mutation.continuationReplacesAnything.isPlanted {
            return try await linkContinuation(staged)
        }
        if place.directory.shard == staged.home.shard {
            return try await posix { () throws(ClientError) in
                try await writer.finish(linkingIn: place.directory, name: place.name)
            }
        }
        let passing = Array(".sterna-\(writer.id)".utf8)
        let home = staged.home
        return try await posix { () throws(ClientError) in
            _ = try await writer.finish(linkingIn: home, name: passing)
            return try await self.move(writer.id, from: Place(directory: home, name: passing), to: place)
        }
    }

    /// Gives a file that has a name already the one that it is to have, however long the coordinator is away.
    private func move(_ file: InodeID, from passing: Place, to place: Place) async throws(ClientError) -> Timestamp {
        while true {
            do {
                return try await client.rename(
                    passing.name, in: passing.directory, to: place.name, in: place.directory)
            } catch {
                // It may have been done although nobody heard of it.
                let found = try? await client.lookup(place.name, in: place.directory)
                if let found, found.targetId == file { return found.creationTime }
                guard error.isOutage else { throw error }
            }
        }
    }

    // MARK: The end of a staged file

    /// The file is visible: its node is that of a finished file from now on.
    private func finish(_ staged: StagedFile, _ created: Timestamp) {
        end(staged)
        let node = node(staged.node)
        nodes.replace(node, by: staged.writer.id)
        if staged.wasRebased { observer.contentChanged(staged.node) }
        node.hasStaleCache = staged.isDirect
        let attributes = InodeAttributes(
            id: staged.writer.id, modified: created, accessed: created, size: staged.size)
        remember(attributes, node)
        // Observers still have the old file under this name.
        if node.isAlias { observer.nameChanged(staged.place.name, in: NodeID(staged.place.directory)) }
        nodes.dropIfUnused(node)
    }

    /// Times that were set while the file was being written; and what fstat(2) said after the last write must stay
    /// true, for git and others remember it.
    private func applyTimes(_ staged: StagedFile) async {
        let told = staged.toldModified == staged.modified ? staged.toldModified : nil
        let modified = staged.chosenModified ?? told
        // Whoever reads it first must find that nobody did since it was written.
        let accessed = staged.chosenAccessed ?? told
        guard modified != nil || accessed != nil else { return }
        do {
            try await client.setTimes(staged.writer.id, modified: modified, accessed: accessed)
        } catch {
            logger.warning("the times of a new file could not be set: \(error)")
        }
        nodes[staged.node]?.remember(nil, until: 0)
    }

    /// Gives the file up; what was there before stays.
    func scrap(_ staged: StagedFile) async {
        end(staged)
        if staged.replacesExisting {
            // Observers have truncated and overwritten what they had cached of the old file.
            observer.contentChanged(staged.node)
        } else if !staged.isUnlinked {
            // Observers still have the name.
            observer.nameChanged(staged.place.name, in: NodeID(staged.place.directory))
        }
        if let node = nodes[staged.node] { nodes.dropIfUnused(node) }
        await staged.writer.abandon()
    }

    private func end(_ staged: StagedFile) {
        staged.state = .ended
        stagedFiles[staged.node] = nil
        stagedNames.remove(staged.node, at: staged.place)
        nodes[staged.node]?.staged = nil
    }
}
