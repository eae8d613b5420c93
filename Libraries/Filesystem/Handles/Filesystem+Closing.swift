import Client
import Glibc
import Mutations
import Protocol

extension Filesystem {
    /// A descriptor was closed, perhaps not the last of its handle: whoever opened that says whether he is done. Then
    /// this publishes what was written so far, and fails if that does; it fails, too, when anything written is missing.
    public func close(_ handle: HandleID, by caller: Caller) async throws(FilesystemError) {
        guard let file = openFiles[handle], file.writes else { return }
        if let failure = file.failure { throw failure }
        guard let staged = file.node.staged else { return }
        if staged.state == .building {
            // Who has written nothing closes for the one who began.
            let creator = file.hasChanged(staged) ? file.creator : staged.creator
            switch await creator.verdict(on: staged.description, closedBy: caller) {
            case .unfinished:
                if let failure = staged.failure { throw failure }
                return
            case .exiting:
                file.hasEndedWell = true
                if let failure = staged.failure { throw failure }
                return
            case .killed:
                file.abandon()
                return
            case .complete: file.isLeft = true
            }
        }
        if staged.wasRemovedHere {
            if let failure = staged.failure { throw failure }
            return
        }
        if let failure = await publish(staged) { throw failure }
        await heard(of: staged.node)
    }

    /// The last reference to a handle is gone.
    public func release(_ handle: HandleID) async {
        await release(handle, isInterrupted: false)
    }

    /// - Parameter isInterrupted: nobody ever got the handle.
    func release(_ handle: HandleID, isInterrupted: Bool) async {
        if snapshots.readers.removeValue(forKey: handle) != nil { return }
        guard let file = openFiles.removeValue(forKey: handle) else { return }
        let node = file.node
        node.handles -= 1
        if node.maker === file { node.maker = nil }
        if file.writes { node.endedWriting(file) }
        file.isReleased = true
        if let staged = node.staged, file.hasChanged(staged), !isInterrupted, file.failure == nil {
            if file.isAbandoned { staged.wasAbandoned = true } else { staged.isWanted = true }
        }
        // A file that has lost its name can be read as long as somebody has it open.
        let isOver = node.staged?.wasRemovedHere == true ? node.handles == 0 : file.writes && node.writers == 0
        guard isOver else { return nodes.dropIfUnused(node) }
        // A write whose caller did not wait for it.
        while node.line.isAwaited { await node.change() }
        guard let staged = node.staged, staged.state == .building, node.writers == 0 else {
            return nodes.dropIfUnused(node)
        }
        if isInterrupted, !staged.wasRemovedHere, !staged.isWanted, !file.hasChanged(staged) { return }
        if staged.wasRemovedHere || !staged.isWanted && (isInterrupted || !staged.isSynchronized) {
            if !Mutation.idleWritersHideLosses.isPlanted || file.isAbandoned { reportAbandoned(staged) }
            await scrap(staged)
        } else {
            // Nobody waits for this close any more; a failure is in the log.
            _ = await publish(staged)
        }
    }
}
