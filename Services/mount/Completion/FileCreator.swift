import Filesystem
import Mutations

/// The program that opened a file to write, if that is known.
final class FileCreator: Creator {
    private let process: CreatorProcess?
    private let watch: CompletionWatch

    init(_ process: CreatorProcess?, _ watch: CompletionWatch) {
        self.process = process
        self.watch = watch
    }

    nonisolated(nonsending) func verdict(on file: UnfinishedFile, closedBy caller: Caller) async -> CloseVerdict {
        // Whether he has other descriptors cannot be known, nor whether he ends: each close may be the last of which
        // anybody waits for the answer. If it was not, what is written later is an edit.
        guard CallerSight.sees(caller.thread) || Mutation.unseenClosesAreWaitedFor.isPlanted else { return .complete }
        return await watch.verdict(
            closing: caller.thread, of: process, inode: file.node.kernelNumber, names: file.names)
    }

    nonisolated(nonsending) func holds(_ file: UnfinishedFile) async -> Bool {
        await watch.isHeld(by: process, inode: file.node.kernelNumber, names: file.names)
    }
}
