import Mutations
import Protocol

extension Client {
    /// The policies that decide how a new file in `directory` is stored, each from the nearest directory that defines
    /// it.
    public func writePolicies(of directory: InodeID) async throws(ClientError) -> WritePolicies {
        let now = loop.monotonicNanoseconds
        if let known = policies.resolved(directory, now: now) { return known }
        let operation = "resolution of the policies of \(directory)"
        let bodies = try await policyBodies([.span, .block, .stripe], of: directory)
        do {
            let found = WritePolicies(
                span: try SpanPolicy(decoding: bodies[0]), block: try BlockPolicy(decoding: bodies[1]),
                stripe: try StripePolicy(decoding: bodies[2]))
            guard let found else { throw ClientError(.badPolicy, operation, "a writer cannot use them") }
            policies.insert(directory, found, now: now)
            return found
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError(.badPolicy, operation, "\(error)")
        }
    }

    /// The snapshot policy in force for `directory`.
    public func snapshotPolicy(of directory: InodeID) async throws(ClientError) -> SnapshotPolicy {
        let bodies = try await policyBodies([.snapshot], of: directory)
        do {
            return try SnapshotPolicy(decoding: bodies[0])
        } catch {
            throw ClientError(.badPolicy, "resolution of the policies of \(directory)", "\(error)")
        }
    }

    /// Whether versions of files in `directory` leave a snapshot when the next one only adds to them.
    public func continuationPolicy(of directory: InodeID) async throws(ClientError) -> ContinuationPolicy {
        let found = try await policyBodies([.continuation], of: directory, areOptional: true)
        guard let body = found.first else { return ContinuationPolicy(leavesSnapshot: false) }
        do {
            return try ContinuationPolicy(decoding: body)
        } catch {
            throw ClientError(.badPolicy, "resolution of the policies of \(directory)", "\(error)")
        }
    }

    /// Replaces or adds one policy of a directory. Two clients that do so at once can undo each other's change, as the
    /// protocol only replaces the whole info.
    public func setPolicy(_ policy: some DirectoryPolicy, of directory: InodeID) async throws(ClientError) {
        var info = try await statDirectory(directory).info
        do throws(EncodeError) {
            try info.set(policy)
        } catch {
            throw ClientError(.invalidArgument, "setting of a policy", "\(error)")
        }
        try await setDirectoryInfo(info, of: directory)
    }

    /// Makes a directory inherit one policy again. Not for the root.
    public func clearPolicy(_ tag: DirectoryInfoTag, of directory: InodeID) async throws(ClientError) {
        var info = try await statDirectory(directory).info
        info.remove(tag)
        try await setDirectoryInfo(info, of: directory)
    }

    private func setDirectoryInfo(_ info: DirectoryInfo, of directory: InodeID) async throws(ClientError) {
        _ = try await call(SetDirectoryInfoRequest(id: directory, info: info), shard: directory.shard)
        policies.removeAll()
    }

    /// Body of each tag, from the nearest directory upwards that has it; where all are optional, of those that are there.
    ///
    /// What is remembered of directories may be of before a move: of a chain upwards that leads through directories
    /// that have gone, or round in a circle. Such a chain is asked for anew.
    private func policyBodies(
        _ tags: [DirectoryInfoTag], of directory: InodeID, areOptional: Bool = false
    ) async throws(ClientError) -> [[UInt8]] {
        var attempts = 1
        while true {
            do throws(ClientError) {
                return try await policyBodies(tags, of: directory, areOptional, believesCache: attempts == 1)
            } catch {
                // Directories may be moved while they are asked about, but not each time.
                guard error.isBrokenChain, attempts <= Self.freshChains, !Mutation.staleChainsAreBelieved.isPlanted
                else { throw error }
                attempts += 1
            }
        }
    }

    /// How often a chain is asked for anew.
    private static let freshChains = 4

    private func policyBodies(
        _ tags: [DirectoryInfoTag], of directory: InodeID, _ areOptional: Bool, believesCache: Bool
    ) async throws(ClientError) -> [[UInt8]] {
        var found: [DirectoryInfoTag: [UInt8]] = [:]
        var current = directory
        var visited: Set<InodeID> = []
        while true {
            let entry = try await directoryEntry(current, believesCache: believesCache)
            for tag in tags where found[tag] == nil { found[tag] = entry.info[tag] }
            let bodies = tags.compactMap { found[$0] }
            if bodies.count == tags.count || areOptional && current == .root { return bodies }
            // Directories are never deeper than this.
            guard !entry.owner.isNull, visited.insert(current).inserted, visited.count < 4096 else {
                let missing = tags.filter { found[$0] == nil }.map(\.description).joined(separator: ", ")
                throw ClientError(.badPolicy, "resolution of the policies of \(directory)", "nobody defines \(missing)")
            }
            current = entry.owner
        }
    }

    private func directoryEntry(
        _ directory: InodeID, believesCache: Bool
    ) async throws(ClientError) -> PolicyCache.Entry {
        let now = loop.monotonicNanoseconds
        if believesCache, let known = policies.entry(directory, now: now) { return known }
        let found = try await statDirectory(directory)
        let entry = PolicyCache.Entry(owner: found.owner, info: found.info, fetchedNanoseconds: now)
        policies.insert(directory, entry)
        return entry
    }
}

extension ClientError {
    /// Whether a chain of directories upwards did not end at one that defines everything.
    fileprivate var isBrokenChain: Bool { cause == .badPolicy || isRefusal(.directoryNotFound) }
}
