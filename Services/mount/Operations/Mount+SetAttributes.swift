import Client
import Glibc
import Protocol

extension Mount {
    func setAttributes(_ number: UInt64, _ change: AttributeChange, handle: UInt64?) async throws(Errno) -> Answer {
        let node = node(number)
        if let size = change.size { try await setSize(node, size, handle) }
        try await setTimes(node, change)
        return .attributes(try await attributes(of: node))
    }

    private func setTimes(_ node: Node, _ change: AttributeChange) async throws(Errno) {
        guard change.modified != nil || change.accessed != nil else { return }
        let now = now()
        let modified = change.modified?.timestamp(now)
        let accessed = change.accessed?.timestamp(now)
        if let construction = node.construction, construction.state == .building {
            construction.chosenModified = modified ?? construction.chosenModified
            construction.chosenAccessed = accessed ?? construction.chosenAccessed
            return
        }
        try await settle(node)
        // The cluster keeps no times for directories but that of their last change.
        guard node.content.isFile else { return }
        let content = node.content
        try await posix { () throws(ClientError) in
            try await client.setTimes(content, modified: modified, accessed: accessed)
        }
        node.remember(nil, until: 0)
    }

    // MARK: Size

    private func setSize(_ node: Node, _ size: UInt64, _ handle: UInt64?) async throws(Errno) {
        // Loses no byte, so it does not stick: programs try how large a file may be.
        guard size <= Self.largestFileBytes else { throw .tooLarge }
        if node.construction?.state == .publishing { try await settle(node) }
        if let construction = node.construction { return try await setSize(of: construction, size) }
        guard node.content.isFile else { throw .isDirectory }
        do throws(Errno) {
            guard let keeping = try await kept(of: node, size) else { return }
            if let handle, let holder = holder(ofHandle: handle) {
                return try await setSize(node, size, keeping, through: handle, holder)
            }
            let construction = try await replace(node, creator: nil, Beginning(keeping: keeping))
            do throws(Errno) {
                try await setSize(of: construction, size)
            } catch {
                await scrap(construction)
                throw error
            }
            if let failure = await publish(construction) { throw failure }
        } catch {
            if let handle, case .sealed(let file)? = handles[handle] { throw fail(file, "truncate", error) }
            report("truncate", node.place, error)
            throw error
        }
    }

    /// Of a finished file that is open for writing: what comes of it appears when that is closed.
    private func setSize(
        _ node: Node, _ size: UInt64, _ keeping: UInt64, through handle: UInt64, _ holder: Holder
    ) async throws(Errno) {
        if let failure = holder.failure { throw failure }
        let creator = await creator(holder.opener)
        let beginning = Beginning(keeping: keeping, isDirect: holder.isDirect, formerPlace: holder.place)
        try await setSize(of: adopt(try await replace(node, creator: creator, beginning), handle), size)
    }

    /// Who has a finished file open for writing.
    private struct Holder {
        let opener: Int32
        let place: Place?
        let isDirect: Bool
        let failure: Errno?
    }

    private func holder(ofHandle handle: UInt64) -> Holder? {
        switch handles[handle] {
        case .sealed(let file)?:
            Holder(opener: file.opener, place: file.place, isDirect: file.isDirect, failure: file.failure)
        // Finished while somebody had it open.
        case .constructing(let construction)?:
            Holder(
                opener: 0, place: construction.place, isDirect: construction.isDirect, failure: construction.failure)
        case .reading?, nil: nil
        }
    }

    /// The size of a finished file changes only by a new file in place of the old one: how much of that it begins with;
    /// nil when nothing has to be done.
    private func kept(of node: Node, _ size: UInt64) async throws(Errno) -> UInt64? {
        let present = try await attributes(of: node).size
        guard size != present else { return nil }
        guard size == 0 || size > present && present <= Self.continuableBytes else { throw .sealed }
        return size == 0 ? 0 : present
    }

    private func setSize(of construction: Construction, _ size: UInt64) async throws(Errno) {
        guard construction.state == .building else { throw .sealed }
        if size == 0 { return try await restart(construction) }
        if let failure = construction.failure { throw failure }
        let writer = construction.writer
        do {
            try await writer.truncate(to: size)
        } catch {
            throw fail(construction, "truncate", Errno(error))
        }
        construction.modified = now()
        construction.appendsOnly = false
    }

    /// Makes a file under construction empty again, and whole: whatever failed before was about bytes that nobody wants
    /// now. What is stored already cannot be taken back, so it goes on as another file.
    func restart(_ construction: Construction) async throws(Errno) {
        construction.modified = now()
        let old = construction.writer
        if construction.sealedBytes == 0, construction.failure == nil {
            construction.base = nil
            return try await posix { () throws(ClientError) in try await old.truncate(to: 0) }
        }
        let place = construction.place
        let fresh = try await posix { () throws(ClientError) in
            try await client.createFile(in: construction.home, note: place.name)
        }
        guard construction.state == .building, construction.writer === old else {
            // Somebody has closed it meanwhile: what he wrote is being published.
            await fresh.abandon()
            throw Errno(EBUSY, "the file is being published")
        }
        construction.base = nil
        construction.writer = fresh
        construction.failure = nil
        loop.task { await old.abandon() }
    }
}
