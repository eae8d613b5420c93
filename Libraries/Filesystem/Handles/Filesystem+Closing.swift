import Client
import Glibc
import Protocol

extension Filesystem {
    /// A descriptor was closed, perhaps not the last of its handle: the file's creator says whether the file is
    /// finished. Then this publishes it, and fails if that does; it fails, too, when anything written is missing.
    public func close(_ handle: HandleID, by caller: Caller) async throws(FilesystemError) {
        guard let file = openFiles[handle] else { return }
        if let failure = file.failure { throw failure }
        guard let staged = file.staged else { return }
        if staged.state == .building {
            switch await staged.creator.verdict(on: staged.description, closedBy: caller) {
            case .unfinished, .exiting:
                if let failure = staged.failure { throw failure }
                return
            case .killed:
                staged.isAbandoned = !staged.isSynchronized
                return
            case .complete: break
            }
        }
        if staged.isUnlinked {
            if let failure = staged.failure { throw failure }
            return
        }
        if let failure = await publish(staged) { throw failure }
    }

    /// The last reference to a handle is gone.
    public func release(_ handle: HandleID) async {
        await release(handle, isInterrupted: false)
    }

    /// - Parameter isInterrupted: nobody ever got the handle.
    func release(_ handle: HandleID, isInterrupted: Bool) async {
        guard let staged = openFiles.removeValue(forKey: handle)?.staged else { return }
        staged.handles -= 1
        guard staged.handles == 0, staged.state == .building else { return }
        if staged.isAbandoned || staged.isUnlinked || isInterrupted {
            await scrap(staged)
        } else {
            // Nobody waits for this close any more; a failure is in the log.
            _ = await publish(staged)
        }
    }

    /// fsync(2): everything written so far is stored.
    public func synchronize(_ handle: HandleID) async throws(FilesystemError) {
        guard let file = openFiles[handle] else { return }
        if let failure = file.failure { throw failure }
        guard let staged = file.staged else { return }
        if let failure = staged.failure { throw failure }
        guard staged.state == .building else { return try await published(staged) }
        let writer = staged.writer
        do throws(FilesystemError) {
            try await patience.run { () throws(ClientError) in try await writer.synchronize() }
        } catch {
            // What is only late is not lost.
            guard error.code == ETIMEDOUT else { throw fail(staged, "fsync", error) }
            report("fsync", staged.place, error)
            throw error
        }
        staged.isSynchronized = true
    }
}
