import Client
import EventLoop
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// fsync(2), through any descriptor of a file: what was written to it so far is published as a version, or only
    /// stored if that was chosen, or if it has lost its name.
    public func synchronize(_ handle: HandleID) async throws(FilesystemError) {
        guard let file = openFiles[handle] else { return }
        if let failure = file.failure { throw failure }
        if let staged = file.node.staged { try await synchronize(staged) }
    }

    /// syncfs(2): as fsync(2) of every file that is being written, and of those whose closes are still being tried. All
    /// are tried; what is without a name is nobody's.
    /// - Throws: what the first one failed with.
    public func synchronizeAll() async throws(FilesystemError) {
        let files = stagedFiles.values.filter { !$0.wasRemovedHere }.map(\.node.id)
        let tried = files.prefix(Mutation.someFilesAreNotSynced.isPlanted ? 1 : .max).map { node in
            loop.task { await self.outcomeOfSynchronizing(node) }
        }
        var first: FilesystemError?
        for task in tried {
            if let failure = await task.value { first = first ?? failure }
        }
        if let first { throw first }
    }

    private func outcomeOfSynchronizing(_ node: NodeID) async -> FilesystemError? {
        // Published meanwhile, or given up, as whoever closed it was told.
        guard let staged = stagedFiles[node] else { return nil }
        do throws(FilesystemError) {
            try await synchronize(staged)
            return nil
        } catch {
            return error
        }
    }

    private func synchronize(_ staged: StagedFile) async throws(FilesystemError) {
        if let failure = staged.failure { throw failure }
        // Whatever was written by now is part of what is being published.
        guard staged.state == .building else { return try await published(staged) }
        // What others have taken the name of is given up.
        let isOnlyStored =
            options.synchronization == .store && (!staged.isTaken || Mutation.takenFilesAreStored.isPlanted)
        if staged.wasRemovedHere || isOnlyStored { return try await store(staged) }
        if let failure = await publish(staged, for: "fsync") { throw failure }
        await heard(of: staged.node)
    }

    private func store(_ staged: StagedFile) async throws(FilesystemError) {
        let writer = staged.writer
        do throws(FilesystemError) {
            try await patience.run { () throws(ClientError) in try await writer.synchronize() }
        } catch {
            // Published, or begun anew, meanwhile.
            guard staged.writer === writer, staged.state == .building else { return try await published(staged) }
            // What is only late is not lost.
            guard error.code == ETIMEDOUT else { throw fail(staged, "fsync", error) }
            report("fsync", staged.place, error)
            throw error
        }
        staged.isSynchronized = true
    }
}
