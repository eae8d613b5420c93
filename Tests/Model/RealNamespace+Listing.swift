import Protocol

/// What is read to compare with the model.
extension RealNamespace {
    func stat(_ directory: InodeID) throws -> Result<StatDirectoryResponse, ProtocolError> {
        try ask(StatDirectoryRequest(id: directory), at: directory.shard)
    }

    /// All edges, upwards or downwards, page by page.
    func listing(of directory: InodeID, backwards: Bool) throws -> [Edge] {
        let direction: FullReadDirFlags = backwards ? .backwards : []
        var request = FullReadDirRequest(
            dirId: directory, flags: backwards ? [.backwards, .current] : [], startName: [], startTime: .zero,
            limit: 0, mtu: 0)
        var edges: [Edge] = []
        while case .success(let page) = try ask(request, at: directory.shard) {
            edges += page.results
            if page.next.startName.isEmpty { break }
            request.flags = page.next.current ? direction.union(.current) : direction
            request.startName = page.next.startName
            request.startTime = page.next.startTime
        }
        return edges
    }

    /// The current edges as READ_DIR has them.
    func current(of directory: InodeID) throws -> Result<[CurrentEdge], ProtocolError> {
        var request = ReadDirRequest(dirId: directory, startHash: .zero, mtu: 0)
        var edges: [CurrentEdge] = []
        while true {
            switch try ask(request, at: directory.shard) {
            case .failure(let code): return .failure(code)
            case .success(let page):
                edges += page.results
                if page.nextHash == .zero { return .success(edges) }
                request.startHash = page.nextHash
            }
        }
    }

    /// The history of one name, newest first, as clients look for what became of a request.
    func history(of name: [UInt8], in directory: InodeID) throws -> [Edge] {
        let request = FullReadDirRequest(
            dirId: directory, flags: [.backwards, .current, .sameName], startName: name, startTime: .zero, limit: 0,
            mtu: 8972)
        guard case .success(let page) = try ask(request, at: directory.shard) else { return [] }
        return page.results
    }

    struct Inodes {
        var directories: Set<InodeID> = []
        var linked: Set<InodeID> = []
        var transient: Set<InodeID> = []
    }

    /// Everything that all shards have.
    func inodes() throws -> Inodes {
        var all = Inodes()
        for id in shards.keys {
            var next = InodeID.null
            repeat {
                let page = try ask(VisitDirectoriesRequest(beginId: next, mtu: 0), at: id).get()
                all.directories.formUnion(page.ids)
                next = page.nextId
            } while !next.isNull
            repeat {
                let page = try ask(VisitFilesRequest(beginId: next, mtu: 0), at: id).get()
                all.linked.formUnion(page.ids)
                next = page.nextId
            } while !next.isNull
            repeat {
                let page = try ask(VisitTransientFilesRequest(beginId: next, mtu: 0), at: id).get()
                all.transient.formUnion(page.files.map(\.id))
                next = page.nextId
            } while !next.isNull
        }
        return all
    }
}
