import Client
import Protocol

/// Removes the snapshots of a directory that its policy no longer protects, and the directory itself once it is
/// forgotten and empty (services.md D.2).
public struct DirectoryCollector<Cluster: ClusterAccess>: Sendable {
    private let cluster: Cluster
    private let minimumAgeNanoseconds: UInt64

    /// - Parameter minimumAgeNanoseconds: younger edges are never removed.
    public init(cluster: Cluster, minimumAgeNanoseconds: UInt64) {
        self.cluster = cluster
        self.minimumAgeNanoseconds = minimumAgeNanoseconds
    }

    /// Looks through one directory. Errors about single names only count as failures.
    public func collect(_ directory: InodeID) async throws(ClientError) -> Tally {
        var tally = Tally()
        tally.visitedDirectories = 1
        let retention = SnapshotRetention(
            policy: try await cluster.snapshotPolicy(of: directory), minimumAgeNanoseconds: minimumAgeNanoseconds)
        var pass = Pass(directory: directory, retention: retention)
        var cursor = FullReadDirCursor(current: false, startName: [], startTime: .zero)
        repeat {
            let page = try await cluster.call(
                FullReadDirRequest(
                    dirId: directory, flags: [], startName: cursor.startName, startTime: cursor.startTime, limit: 0,
                    mtu: 0),
                shard: directory.shard)
            for edge in page.results {
                // Snapshots come first, so the first current edge ends them.
                guard !edge.current else { return await finish(&pass, hasCurrent: true, tally) }
                if let name = pass.take(edge) { tally += await collect(name, &pass) }
            }
            guard page.next.startName.isEmpty || page.next != cursor else {
                throw ClientError(.malformedAnswer, "FULL_READ_DIR of \(directory)", "the listing does not advance")
            }
            cursor = page.next
        } while !cursor.startName.isEmpty && !cursor.current
        tally = await finish(&pass, hasCurrent: cursor.current, tally)
        if pass.keptEdges == 0 && !cursor.current { tally += try await removeIfForgotten(directory) }
        return tally
    }

    /// The state of one walk through a directory's snapshots.
    private struct Pass {
        let directory: InodeID
        let retention: SnapshotRetention
        /// The edges of the name that is being read.
        var name: [Edge] = []
        var keptEdges = 0

        /// Adds an edge; returns the name before it when that is complete.
        mutating func take(_ edge: Edge) -> [Edge]? {
            guard let first = name.first, first.name != edge.name else {
                name.append(edge)
                return nil
            }
            let complete = name
            name = [edge]
            return complete
        }
    }

    private func finish(_ pass: inout Pass, hasCurrent: Bool, _ tally: Tally) async -> Tally {
        var tally = tally
        if !pass.name.isEmpty { tally += await collect(pass.name, &pass) }
        pass.name = []
        return tally
    }

    // MARK: One name

    /// Removes what may go of one name, oldest first; stops at the first error, as what is newer must not go before.
    private func collect(_ edges: [Edge], _ pass: inout Pass) async -> Tally {
        var tally = Tally()
        tally.visitedSnapshots = edges.count
        do {
            let count = try await removableCount(of: edges, pass)
            for edge in edges[..<count] {
                try await remove(edge, from: pass.directory)
                tally.removedSnapshots += 1
            }
        } catch {
            tally.failures += 1
        }
        pass.keptEdges += edges.count - tally.removedSnapshots
        return tally
    }

    private func removableCount(of edges: [Edge], _ pass: Pass) async throws -> Int {
        let snapshots = edges.map(SnapshotEdge.init)
        let now = try cluster.now
        let count = try pass.retention.removableCount(of: snapshots, current: nil, at: now)
        // Only for the newest snapshot does it matter what the name means now. A removal was superseded by nothing that
        // matters, and while the edge is young nothing does.
        guard let last = edges.last, !last.targetId.id.isNull, now.nanoseconds > last.creationTime.nanoseconds,
            now.nanoseconds - last.creationTime.nanoseconds > minimumAgeNanoseconds
        else { return count }
        let current = try await currentEdge(of: last.name, in: pass.directory)
        return try pass.retention.removableCount(of: snapshots, current: current?.creationTime, at: now)
    }

    private func currentEdge(of name: [UInt8], in directory: InodeID) async throws(ClientError) -> Edge? {
        try await cluster.call(
            FullReadDirRequest(
                dirId: directory, flags: [.current, .sameName], startName: name, startTime: .zero, limit: 1, mtu: 0),
            shard: directory.shard
        ).results.first { $0.current && $0.name == name }
    }

    private func remove(_ edge: Edge, from directory: InodeID) async throws(ClientError) {
        let target = edge.targetId.id
        do throws(ClientError) {
            if !edge.targetId.flag {
                _ = try await cluster.call(
                    RemoveNonOwnedEdgeRequest(
                        dirId: directory, targetId: target, name: edge.name, creationTime: edge.creationTime),
                    shard: directory.shard)
            } else if target.isDirectory {
                // Snapshots never own directories; one that does is not ours to judge.
                throw ClientError(.malformedAnswer, "FULL_READ_DIR", "a snapshot edge owns directory \(target)")
            } else if target.shard == directory.shard {
                _ = try await cluster.call(
                    SameShardHardFileUnlinkRequest(
                        ownerId: directory, targetId: target, name: edge.name, creationTime: edge.creationTime),
                    shard: directory.shard)
            } else {
                _ = try await cluster.callCDC(
                    CrossShardHardUnlinkFileRequest(
                        ownerId: directory, targetId: target, name: edge.name, creationTime: edge.creationTime))
            }
        } catch {
            // Somebody else removed it, or an earlier attempt of ours did.
            guard error.isRefusal(.edgeNotFound) || error.isRefusal(.fileNotFound) else { throw error }
        }
    }

    // MARK: The directory

    /// A directory without edges that no name refers to any more is removed.
    private func removeIfForgotten(_ directory: InodeID) async throws(ClientError) -> Tally {
        var tally = Tally()
        guard directory != .root else { return tally }
        let status = try await cluster.call(StatDirectoryRequest(id: directory), shard: directory.shard)
        guard status.owner.isNull else { return tally }
        _ = try await cluster.callCDC(HardUnlinkDirectoryRequest(dirId: directory))
        tally.removedDirectories = 1
        return tally
    }
}

extension SnapshotEdge {
    fileprivate init(_ edge: Edge) {
        self.init(
            creationTime: edge.creationTime, isOwned: edge.targetId.flag, isDeletion: edge.targetId.id.isNull)
    }
}
