import Client
import Protocol

/// What a handle stands for: a node, as it was opened. Confined to the filesystem.
final class OpenFile {
    let node: Node
    /// It can write, or has to finish the file that was made with it.
    private(set) var writes: Bool
    /// It can read.
    let reads: Bool
    /// Who opened it, and the judge of his closes.
    let caller: Caller
    let creator: any Creator
    /// What the node had seen of others when it was opened.
    private let foreignMoves: Int
    /// What was to be written through it is missing: it can write no more, and close(2) tells why.
    var failure: FilesystemError?
    /// The staged file that was last changed through it (`StagedFile.serial`).
    private var changed: UInt64 = 0
    /// Whoever opened it has closed his last descriptor: what still holds it is a mapping, or somebody who got it from
    /// him.
    var isLeft = false
    /// Who changed the file through it was killed.
    private(set) var isAbandoned = false
    /// Nobody has it any more. What is still done through it nobody waited for.
    var isReleased = false
    /// Its creator has ended in good order: whatever becomes of others, what he wrote is to appear.
    var hasEndedWell = false
    /// Of the version that it read last.
    private var reader: FileReader?

    /// - Parameter makes: the file is made with it, and somebody has to finish it, even if he can only read.
    init(_ node: Node, _ mode: OpenMode, by caller: Caller, _ creator: any Creator, makes: Bool = false) {
        self.node = node
        (self.caller, self.creator) = (caller, creator)
        reads = mode.reads
        writes = mode.writes || makes
        foreignMoves = node.foreignMoves
        node.handles += 1
        if writes { node.beganWriting(self) }
        if makes, !mode.writes { node.maker = self }
    }

    /// Whether the node stands for another version than the one that was opened, which somebody else has published: it
    /// is not for whoever did not know it to change that.
    var isOutdated: Bool { foreignMoves != node.foreignMoves }

    /// The file that was made with it is finished: it can only read from now on.
    func endMaking() {
        writes = false
        node.endedWriting(self)
    }

    func hasChanged(_ staged: StagedFile) -> Bool { changed == staged.serial }

    func changes(_ staged: StagedFile) {
        if changed != staged.serial { staged.isChanged(byWhoChanged: changed) }
        changed = staged.serial
        guard !isReleased else {
            staged.wasAbandoned = true
            return
        }
        isLeft = false
        // Somebody who lives goes on with what a killed creator has left to him.
        isAbandoned = false
    }

    /// Somebody who has it was killed.
    func abandon() {
        if !hasEndedWell { isAbandoned = true }
    }

    /// A reader of what the node stands for; nil if that is nothing that could be read.
    func reader(_ client: Client) -> FileReader? {
        guard let size = node.contentSize else { return nil }
        if let reader, reader.id == node.content { return reader }
        let made = FileReader(client: client, id: node.content, size: size)
        reader = made
        return made
    }
}
