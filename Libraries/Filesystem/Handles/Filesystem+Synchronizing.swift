import Client
import Glibc
import Protocol

extension Filesystem {
    /// fsync(2), through any descriptor of a file: what was written to it so far is published as a version, or only
    /// stored if that was chosen, or if it has lost its name.
    public func synchronize(_ handle: HandleID) async throws(FilesystemError) {
        guard let file = openFiles[handle] else { return }
        if let failure = file.failure { throw failure }
        guard let staged = file.node.staged else { return }
        if let failure = staged.failure { throw failure }
        // Whatever was written by now is part of what is being published.
        guard staged.state == .building else { return try await published(staged) }
        if staged.isUnlinked || options.synchronization == .store { return try await store(staged) }
        if let failure = await publish(staged, for: "fsync") { throw failure }
        if staged.wasRebased { await observer.heard() }
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
