import EventLoop
import Protocol

/// What a walk meets.
public struct WalkEntry: Sendable {
    public let directory: InodeID
    /// Names from where the walk began, joined with `/`.
    public let path: [UInt8]
    public let target: InodeID
    public let creationTime: Timestamp
    /// False for a name out of the history of its directory; only in walks with snapshots.
    public let isCurrent: Bool
    /// Of a historical name: whether the target's only name was this one.
    public let isOwned: Bool
}

/// A directory that a walk could not read.
public struct WalkFailure: Sendable {
    public let directory: InodeID
    public let path: [UInt8]
    public let error: ClientError
}

extension Client {
    /// Visits everything below a directory, in no particular order, with many requests under way. Directories lie on
    /// random shards, so this spreads over all of them.
    /// - Parameters:
    ///   - withSnapshots: also visits historical names and, below them, removed directories; deletions themselves are
    ///     skipped.
    ///   - width: directories read at the same time.
    ///   - visit: called on the client's loop, before the contents of the entry are visited; false keeps out of a
    ///     directory.
    /// - Returns: the directories that could not be read. The walk goes on past them.
    public func walk(
        from root: InodeID, withSnapshots: Bool = false, width: Int = 64,
        visit: @escaping @Sendable (WalkEntry) async -> Bool
    ) async -> [WalkFailure] {
        let walk = Walk(client: self, withSnapshots: withSnapshots, visit: visit)
        return await walk.run(from: root, width: max(1, width))
    }
}

/// The state of one walk.
private actor Walk {
    private struct Place: Sendable {
        let directory: InodeID
        let path: [UInt8]
    }

    private let client: Client
    private let withSnapshots: Bool
    private let visit: @Sendable (WalkEntry) async -> Bool
    /// A stack: depth first, so that it stays short in a deep tree.
    private var waiting: [Place] = []
    private var failures: [WalkFailure] = []
    /// Removed directories that were met already.
    private var removed: Set<InodeID> = []
    private var running = 0
    private var finished: CheckedContinuation<Void, Never>?

    nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }

    init(client: Client, withSnapshots: Bool, visit: @escaping @Sendable (WalkEntry) async -> Bool) {
        self.client = client
        self.withSnapshots = withSnapshots
        self.visit = visit
    }

    func run(from root: InodeID, width: Int) async -> [WalkFailure] {
        waiting = [Place(directory: root, path: [])]
        startMore(width)
        if running > 0 { await withCheckedContinuation { finished = $0 } }
        return failures
    }

    private func startMore(_ width: Int) {
        while running < width, let place = waiting.popLast() {
            running += 1
            client.loop.task { await self.read(place, width) }
        }
        if running == 0 {
            finished?.resume()
            finished = nil
        }
    }

    private func read(_ place: Place, _ width: Int) async {
        do throws(ClientError) {
            if withSnapshots {
                try await readHistory(place, width)
            } else {
                try await readCurrent(place, width)
            }
        } catch {
            failures.append(WalkFailure(directory: place.directory, path: place.path, error: error))
        }
        running -= 1
        startMore(width)
    }

    private func readCurrent(_ place: Place, _ width: Int) async throws(ClientError) {
        var next: ListingPlace? = ListingPlace()
        while let start = next {
            let page = try await client.readDirectoryPage(place.directory, from: start)
            for edge in page.names {
                await meet(place, edge.name, edge.targetId, edge.creationTime, isCurrent: true, isOwned: true, width)
            }
            next = page.next
        }
    }

    private func readHistory(_ place: Place, _ width: Int) async throws(ClientError) {
        for edge in try await client.readFullDirectory(place.directory) where !edge.targetId.id.isNull {
            await meet(
                place, edge.name, edge.targetId.id, edge.creationTime, isCurrent: edge.current,
                isOwned: edge.current || edge.targetId.flag, width)
        }
    }

    private func isRemoved(_ directory: InodeID) async -> Bool {
        // One that cannot be read, or is gone, has nothing to be visited.
        guard let found = try? await client.statDirectory(directory) else { return false }
        return found.owner.isNull
    }

    private func meet(
        _ place: Place, _ name: [UInt8], _ target: InodeID, _ creationTime: Timestamp, isCurrent: Bool, isOwned: Bool,
        _ width: Int
    ) async {
        let path = place.path.isEmpty ? name : place.path + [UInt8(ascii: "/")] + name
        let entry = WalkEntry(
            directory: place.directory, path: path, target: target, creationTime: creationTime, isCurrent: isCurrent,
            isOwned: isOwned)
        let goesOn = await visit(entry)
        guard goesOn, target.isDirectory else { return }
        if !isCurrent {
            // History also names directories that are elsewhere by now, or that it names several times.
            guard await isRemoved(target), removed.insert(target).inserted else { return }
        }
        waiting.append(Place(directory: target, path: path))
        startMore(width)
    }
}
