import Client
import EventLoop
import Glibc
import Logging
import Protocol

extension Mount {
    /// A descriptor was closed: the completion rule says whether the file is finished.
    func flush(_ handle: UInt64, thread: Int32, owner: UInt64) async throws(Errno) -> Answer {
        if case .sealed(let file)? = handles[handle], let failure = file.failure { throw failure }
        guard let construction = construction(ofHandle: handle) else { return .done }
        if construction.state == .building {
            let verdict =
                construction.creator == nil && !isSeen(thread)
                ? verdict(closing: construction, owner)
                : await watch.verdict(
                    closing: thread, of: construction.creator, inode: construction.number, names: construction.names)
            switch verdict {
            case .unfinished, .exiting:
                if let failure = construction.failure { throw failure }
                return .done
            case .killed:
                construction.isAbandoned = !construction.isSynchronized
                return .done
            case .complete: break
            }
        }
        if construction.isUnlinked {
            if let failure = construction.failure { throw failure }
            return .done
        }
        if let failure = await publish(construction) { throw failure }
        return .done
    }

    /// Whether the process of a calling thread can be asked about.
    private func isSeen(_ thread: Int32) -> Bool {
        thread > 0 && CallerSight.isProcOurs
    }

    /// What a close means when nobody can be asked: who closes first is taken for the creator, since a shell closes the
    /// descriptor that it has duplicated before it starts anybody; and that it closes for good if there is only one
    /// handle, and something in the file. If it does not, the file is continued.
    private func verdict(closing construction: Construction, _ owner: UInt64) -> CompletionRule.Verdict {
        if construction.firstCloser == nil { construction.firstCloser = owner }
        let isLast = construction.firstCloser == owner && construction.handles == 1 && construction.size > 0
        return isLast ? .complete : .unfinished
    }

    /// The last reference to an open file is gone.
    func release(_ handle: UInt64, isInterrupted: Bool = false) async {
        guard let closed = handles.removeValue(forKey: handle) else { return }
        guard case .constructing(let construction) = closed else { return }
        construction.handles -= 1
        guard construction.handles == 0, construction.state == .building else { return }
        if construction.isAbandoned || construction.isUnlinked || isInterrupted {
            await scrap(construction)
        } else {
            // Nobody waits for this close any more; a failure is in the log.
            _ = await publish(construction)
        }
    }

    func synchronize(_ handle: UInt64) async throws(Errno) -> Answer {
        if case .sealed(let file)? = handles[handle], let failure = file.failure { throw failure }
        guard let construction = construction(ofHandle: handle) else { return .done }
        if let failure = construction.failure { throw failure }
        guard construction.state == .building else {
            try await published(construction)
            return .done
        }
        let writer = construction.writer
        do throws(Errno) {
            try await patience.run { () throws(ClientError) in try await writer.synchronize() }
        } catch {
            // What is only late is not lost.
            guard error.code == ETIMEDOUT else { throw fail(construction, "fsync", error) }
            report("fsync", construction.place, error)
            throw error
        }
        construction.isSynchronized = true
        return .done
    }

    // MARK: Publishing

    /// Makes the file visible, once, however many ask; nil when it is. ETIMEDOUT: not yet, but it goes on being tried.
    /// After anything else the construction is over.
    func publish(_ construction: Construction) async -> Errno? {
        let publication = construction.publication ?? beginPublishing(construction)
        if let outcome = await patience.outcome(of: publication) { return outcome }
        report("close", construction.place, .timedOut)
        return .timedOut
    }

    func beginPublishing(_ construction: Construction) -> Task<Errno?, Never> {
        let number = construction.number
        construction.state = .publishing
        let publication = loop.task { [weak self] () -> Errno? in
            guard let self else { return .inputOutput }
            return await self.publishNow(number)
        }
        construction.publication = publication
        return publication
    }

    /// Waits until a file that is being published is so.
    func published(_ construction: Construction) async throws(Errno) {
        guard let publication = construction.publication else { return }
        guard let outcome = await patience.outcome(of: publication) else { throw .timedOut }
        if let outcome { throw outcome }
    }

    private func publishNow(_ number: UInt64) async -> Errno? {
        guard let construction = constructions[number] else { return .inputOutput }
        do throws(Errno) {
            if let failure = construction.failure { throw failure }
            let created = try await link(construction)
            finish(construction, created)
            await applyTimes(construction)
            return nil
        } catch {
            report("close", construction.place, error)
            await scrap(construction)
            return error
        }
    }

    /// Gives the file its name. It can be linked only from the shard in which it was made; a place elsewhere it reaches
    /// by a rename.
    private func link(_ construction: Construction) async throws(Errno) -> Timestamp {
        let writer = construction.writer
        let place = construction.place
        if construction.base != nil { return try await linkContinuation(construction) }
        if place.directory.shard == construction.home.shard {
            return try await posix { () throws(ClientError) in
                try await writer.finish(linkingIn: place.directory, name: place.name)
            }
        }
        let passing = Array(".sterna-\(writer.id)".utf8)
        let home = construction.home
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

    /// The file is visible: its node is that of a finished file from now on.
    private func finish(_ construction: Construction, _ created: Timestamp) {
        end(construction)
        let node = node(construction.number)
        nodes.replace(node, by: construction.writer.id)
        if construction.wasRebased { notifications.contentChanged(construction.number) }
        node.hasStaleCache = construction.isDirect
        let attributes = InodeAttributes(
            id: construction.writer.id, modified: created, accessed: created, size: construction.size)
        remember(attributes, node)
        if node.isAlias {
            // The kernel still has the old file under this name.
            notifications.nameChanged(
                construction.place.name, inDirectory: NodeNumber.number(construction.place.directory))
        }
        nodes.dropIfUnused(node)
    }

    /// Times that were set while the file was being written; and what fstat(2) said after the last write must stay
    /// true, for git and others remember it.
    private func applyTimes(_ construction: Construction) async {
        let told = construction.toldModified == construction.modified ? construction.toldModified : nil
        let modified = construction.chosenModified ?? told
        // Whoever reads it first must find that nobody did since it was written.
        let accessed = construction.chosenAccessed ?? told
        guard modified != nil || accessed != nil else { return }
        do {
            try await client.setTimes(construction.writer.id, modified: modified, accessed: accessed)
        } catch {
            logger.warning("the times of a new file could not be set: \(error)")
        }
        nodes[construction.number]?.remember(nil, until: 0)
    }

    /// Gives the file up; what was there before stays.
    func scrap(_ construction: Construction) async {
        end(construction)
        if construction.replacesExisting {
            // The kernel has truncated and overwritten what it had cached of the old file.
            notifications.contentChanged(construction.number)
        } else if !construction.isUnlinked {
            // The kernel still has the name.
            let place = construction.place
            notifications.nameChanged(place.name, inDirectory: NodeNumber.number(place.directory))
        }
        if let node = nodes[construction.number] { nodes.dropIfUnused(node) }
        await construction.writer.abandon()
    }

    private func end(_ construction: Construction) {
        construction.state = .ended
        constructions[construction.number] = nil
        places.remove(construction.number, at: construction.place)
        nodes[construction.number]?.construction = nil
    }

    /// Waits until a file that is being published is so, or will never be.
    func settle(_ node: Node) async throws(Errno) {
        guard let publication = node.construction?.publication else { return }
        guard await patience.outcome(of: publication) != nil else { throw .timedOut }
    }
}
