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
        await settle(node)
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
        if let construction = node.construction { return try await setSize(of: construction, size) }
        guard node.content.isFile else { throw .isDirectory }
        let present = try await attributes(of: node).size
        guard size != present else { return }
        guard size == 0 || size > present && present <= Self.continuableBytes else { throw .sealed }
        // Only by a new file in place of the old one.
        let keeping = size == 0 ? 0 : present
        if let handle, case .sealed(_, _, let opener)? = handles[handle] {
            let creator = await creator(opener)
            let construction = adopt(try await replace(node, creator: creator, keeping: keeping), handle)
            return try await setSize(of: construction, size)
        }
        let construction = try await replace(node, creator: nil, keeping: keeping)
        try await setSize(of: construction, size)
        if let failure = await publish(construction) { throw failure }
    }

    private func setSize(of construction: Construction, _ size: UInt64) async throws(Errno) {
        guard construction.state == .building else { throw .sealed }
        construction.modified = now()
        if size == 0 { return try await restart(construction) }
        let writer = construction.writer
        try await posix { () throws(ClientError) in try await writer.truncate(to: size) }
    }

    /// Makes a file under construction empty again. What is stored already cannot be taken back, so it goes on as
    /// another file.
    func restart(_ construction: Construction) async throws(Errno) {
        let old = construction.writer
        if construction.sealedBytes == 0 {
            return try await posix { () throws(ClientError) in try await old.truncate(to: 0) }
        }
        let place = construction.place
        let fresh = try await posix { () throws(ClientError) in
            try await client.createFile(in: construction.home, note: place.name)
        }
        construction.writer = fresh
        loop.task { await old.abandon() }
    }
}
