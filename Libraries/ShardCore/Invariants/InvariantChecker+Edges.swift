import Protocol

extension InvariantChecker {
    /// S3–S8, S10. That two deletion markers do not follow each other (S8, S9) is up to the order in which the
    /// collector removes what is between them, so it is not a fault of the shard.
    func checkEdges() {
        var currentCounts: [InodeID: UInt64] = [:]
        var snapshotCounts: [InodeID: UInt64] = [:]
        var newestSnapshot: [InodeID: [[UInt8]: StoredShard.NamedEdge]] = [:]
        for edge in stored.edges {
            let directory = edge.key.directory
            checkEdge(edge)
            let previous = newestSnapshot[directory]?[edge.key.name]
            if edge.key.isCurrent {
                currentCounts[directory, default: 0] += 1
                checkCurrent(edge, after: previous)
            } else {
                snapshotCounts[directory, default: 0] += 1
                checkSnapshot(edge, after: previous)
                newestSnapshot[directory, default: [:]][edge.key.name] = edge
            }
        }
        for (id, record) in stored.directories {
            expect(
                record.currentEdges == currentCounts[id, default: 0]
                    && record.snapshotEdges == snapshotCounts[id, default: 0],
                .s3, "directory \(id) counts \(record.currentEdges) and \(record.snapshotEdges) edges")
        }
    }

    private func checkEdge(_ edge: StoredShard.NamedEdge) {
        guard let directory = stored.directories[edge.key.directory] else {
            return expect(false, .s3, "edge in missing directory \(edge.key.directory)")
        }
        expect(edge.key.nameHash == NameHash(of: edge.key.name), .s4, "hash of a name in \(edge.key.directory)")
        expect(
            directory.mtime >= edge.creationTime, .s5,
            "edge of \(edge.creationTime) in \(edge.key.directory) of \(directory.mtime)")
        if edge.key.isCurrent {
            expect(
                edge.key.directory == .root || !directory.owner.isNull, .s6,
                "current edge in snapshot directory \(edge.key.directory)")
        }
    }

    private func checkCurrent(_ edge: StoredShard.NamedEdge, after previous: StoredShard.NamedEdge?) {
        guard let previous else { return }
        let isFine =
            edge.creationTime > previous.creationTime
            || (previous.target.id.isNull && edge.creationTime == previous.creationTime)
        expect(isFine, .s7, "current edge of \(edge.creationTime) in \(edge.key.directory) is older than history")
    }

    private func checkSnapshot(_ edge: StoredShard.NamedEdge, after previous: StoredShard.NamedEdge?) {
        expect(
            previous.map { $0.creationTime < edge.creationTime } ?? true, .s8,
            "times of history in \(edge.key.directory)")
        if edge.target.flag {
            expect(edge.target.id.isFile, .s10, "owned snapshot edge to \(edge.target.id) in \(edge.key.directory)")
        }
    }

    /// S11, S12
    func checkOwnership() {
        var owned: [InodeID: Int] = [:]
        for edge in stored.edges where edge.key.isCurrent || edge.target.flag {
            let target = edge.target.id
            // A locked edge belongs to a transaction, which may be making or removing another one.
            if !(edge.key.isCurrent && edge.target.flag) { owned[target, default: 0] += 1 }
            guard core.isMine(target) else { continue }
            if target.isDirectory {
                expect(stored.directories[target] != nil, .s12, "edge to missing directory \(target)")
            } else {
                expect(stored.files[target] != nil, .s12, "owning edge to missing file \(target)")
            }
        }
        for (target, count) in owned {
            expect(count == 1, .s11, "\(target) is owned by \(count) edges")
        }
    }
}
