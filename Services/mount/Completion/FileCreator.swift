import Filesystem
import Synchronization

/// The program that opened a file to write, if that is known.
final class FileCreator: Creator {
    private let process: CreatorProcess?
    private let watch: CompletionWatch
    /// Who closed a descriptor first, by table of descriptors; only where callers are not seen.
    private let firstCloser = Mutex<UInt64?>(nil)

    init(_ process: CreatorProcess?, _ watch: CompletionWatch) {
        self.process = process
        self.watch = watch
    }

    nonisolated(nonsending) func verdict(on file: UnfinishedFile, closedBy caller: Caller) async -> CloseVerdict {
        guard process != nil || CallerSight.sees(caller.thread) else { return blindVerdict(on: file, closedBy: caller) }
        return await watch.verdict(
            closing: caller.thread, of: process, inode: file.node.kernelNumber, names: file.names)
    }

    /// What a close means when nobody can be asked: who closes first is taken for the creator, since a shell closes the
    /// descriptor that it has duplicated before it starts anybody; and that it closes for good if there is only one
    /// handle, and something in the file. If it does not, the file is continued.
    private func blindVerdict(on file: UnfinishedFile, closedBy caller: Caller) -> CloseVerdict {
        let first = firstCloser.withLock { first in
            let known = first ?? caller.descriptorTable
            first = known
            return known
        }
        let isLast = first == caller.descriptorTable && file.handles == 1 && file.size > 0
        return isLast ? .complete : .unfinished
    }

    nonisolated(nonsending) func holds(_ file: UnfinishedFile) async -> Bool {
        await watch.isHeld(by: process, inode: file.node.kernelNumber, names: file.names)
    }
}
