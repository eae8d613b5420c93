import Client
import EventLoop
import Glibc
import Logging
import Mutations
import Protocol

extension Filesystem {
    /// Makes the file visible, once, however many ask; nil when it is. ETIMEDOUT: not yet, but it goes on being tried.
    /// After anything else the file is given up.
    func publish(_ staged: StagedFile, for operation: StaticString = "close") async -> FilesystemError? {
        let publication = staged.publication ?? beginPublishing(staged, operation)
        if let outcome = await patience.outcome(of: publication) { return outcome }
        report(operation, staged.place, .timedOut)
        return .timedOut.told
    }

    private func beginPublishing(
        _ staged: StagedFile, _ operation: StaticString
    ) -> Task<FilesystemError?, Never> {
        let node = staged.node.id
        let isOver = staged.state == .ended
        if !isOver { staged.state = .publishing }
        let publication = loop.task { [weak self] () -> FilesystemError? in
            guard let self, !isOver else { return .inputOutput }
            return await self.publishNow(node, operation)
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

    private func publishNow(_ node: NodeID, _ operation: StaticString) async -> FilesystemError? {
        guard let staged = stagedFiles[node] else { return .inputOutput }
        do throws(FilesystemError) {
            // What is being written now was written before somebody closed the file; and it may be on its way to
            // another name.
            while staged.failure == nil, staged.changes > 0 || staged.node.movers > 0 { await staged.node.change() }
            if let failure = staged.failure { throw failure }
            if staged.isTaken { throw .stale }
            // Its name was taken away meanwhile: nothing comes of it, but who has it open goes on.
            if staged.isUnlinked {
                guard staged.node.handles > 0 else {
                    await scrap(staged)
                    return nil
                }
                (staged.state, staged.publication) = (.building, nil)
                return nil
            }
            _ = try await outlastingOutages { () throws(FilesystemError) in try await followName(staged) }
            let version = try await link(staged)
            finish(staged, version)
            await applyTimes(staged)
            return nil
        } catch {
            report(operation, staged.place, error)
            failWriters(of: staged.node, error.told)
            // What others have published since has times of its own.
            await scrap(staged, keepsTimes: error.code != ESTALE)
            return error.told
        }
    }

    // MARK: The end of a staged file

    /// The file is visible: its node is that of a finished file from now on.
    private func finish(_ staged: StagedFile, _ version: PublishedVersion) {
        let (node, found, isBeingWritten) = (staged.node, inode(of: staged, version), isBeingWritten(staged))
        // Nobody has asked for long what an edit inherits, nor how much of it takes no room.
        let isKnown =
            !storesOwnership || version.ownership != nil || node.attributes(at: loop.monotonicNanoseconds) != nil
        let mayHaveHoles = staged.mayHaveHoles || !staged.isNew && node.lastHoleBytes > 0
        end(staged)
        stand(node, for: found.id, number: version.number)
        node.maker?.endMaking()
        node.maker = nil
        // What somebody else has put before it was not known to who opened the file.
        if staged.hasForeignBase { node.foreignMoves += 1 }
        node.ownVersion = isBeingWritten ? OwnVersion(id: found.id, serial: staged.serial) : nil
        if staged.wasRebased { contentChanged(node) }
        node.wasLinked(at: version.creationTime)
        let directory = nodes[NodeID(staged.place.directory)]
        if staged.isNew { directory?.grew(at: version.creationTime) } else { directory?.willChange() }
        let isAll = isKnown && !mayHaveHoles && !staged.wasCompletedLate
        node.remember(found, until: isAll ? freshUntil(found.id) : 0)
        nodes.dropIfUnused(node)
    }

    /// What is known of the inode of a file that was published.
    private func inode(of staged: StagedFile, _ version: PublishedVersion) -> InodeAttributes {
        let (id, time, size, node) = (staged.writer.id, version.creationTime, staged.size, staged.node)
        guard keepsAttributes else { return InodeAttributes(id: id, modified: time, accessed: time, size: size) }
        let (modified, accessed) = (staged.modifiedToSet ?? time, staged.accessedToSet ?? time)
        // Others may have given some to its base.
        let isStale =
            (staged.hasForeignBase || node.attributes(at: loop.monotonicNanoseconds) == nil)
            && !Mutation.attributesOfEditsAreOverlooked.isPlanted
        return InodeAttributes(
            id: id, modified: modified, accessed: accessed, size: size,
            stored: StoredAttributes(
                ownership: version.ownership ?? node.lastOwnership, changed: time, modified: modified,
                accessed: accessed, special: staged.special,
                // Whoever wants to know how many there are asks whether there are any.
                extendedBytes: staged.own?.extended.bytes ?? (isStale || node.mayHaveExtended ? 1 : 0)))
    }

    /// Sets times that were set while the file was being written, where that could not be done by publishing it.
    private func applyTimes(_ staged: StagedFile) async {
        guard !keepsAttributes else { return }
        let (modified, accessed) = (staged.modifiedToSet, staged.accessedToSet)
        guard modified != nil || accessed != nil else { return }
        staged.node.forgetAttributes()
        do {
            try await client.setTimes(staged.writer.id, modified: modified, accessed: accessed)
        } catch {
            logger.warning("the times of a new file could not be set: \(error)")
        }
        staged.node.forgetAttributes()
    }

    /// What was written through these handles is lost, and whatever is written through them later would be missing it.
    func failWriters(of node: Node, _ failure: FilesystemError) {
        guard !Mutation.errorsAreForgotten.isPlanted else { return }
        for file in node.writing where file.failure == nil { file.failure = failure }
    }

    /// Gives the file up; what was there before stays.
    /// - Parameter keepsTimes: whether that gets the times that somebody has given the file meanwhile.
    func scrap(_ staged: StagedFile, keepsTimes: Bool = true) async {
        let times = InodeChange(modified: staged.chosenModified, accessed: staged.chosenAccessed)
        end(staged)
        if !staged.isNew {
            if keepsTimes, !staged.isUnlinked, times != .nothing { await keep(times, of: staged.node) }
            // Observers have truncated and overwritten what they had cached of the old file.
            contentChanged(staged.node)
        } else if !staged.isUnlinked {
            // Observers still have the name, which may be another file's again.
            observer.nameChanged(staged.place.name, in: NodeID(staged.place.directory))
            if let displaced = staged.displaced { giveBack(staged.place, to: displaced) }
        }
        nodes.dropIfUnused(staged.node)
        await staged.writer.abandon()
    }

    /// Whoever set times of a file did not ask what would become of somebody's edit of it.
    private func keep(_ times: InodeChange, of node: Node) async {
        guard !Mutation.timesGoWithTheEdit.isPlanted else { return }
        // So that it stays.
        node.references += 1
        defer { nodes.forget(node.id, 1) }
        do throws(FilesystemError) {
            try await change(node, times)
        } catch {
            report("utimensat", node.place, error)
        }
    }

    /// A file that was renamed over another one is given up: it is as if that had not been renamed.
    private func giveBack(_ place: Place, to node: Node) {
        guard node.isUnlinked, node.lastPlace == place, stagedNames.node(at: place) == nil else { return }
        node.place = place
        guard let staged = node.staged, staged.state == .building else { return }
        staged.isUnlinked = false
        if !staged.isNew { staged.replacesExisting = true }
        stagedNames.insert(node.id, at: place)
        // Those who wrote it may have closed it while it had no name.
        let id = node.id
        loop.task { await self.endIfLeft(id) }
    }

    /// Does for a file what the last release of those who can write it would have done.
    private func endIfLeft(_ node: NodeID) async {
        guard let staged = stagedFiles[node], staged.state == .building, staged.node.writers == 0 else { return }
        guard staged.isWanted || staged.isSynchronized else {
            reportAbandoned(staged)
            return await scrap(staged)
        }
        // Nobody waits for it any more; a failure is in the log.
        _ = await publish(staged)
    }

    private func end(_ staged: StagedFile) {
        staged.state = .ended
        stagedFiles[staged.node.id] = nil
        stagedNames.remove(staged.node.id, at: staged.place)
        staged.node.staged = nil
        staged.node.wake()
    }
}
