import Client
import Protocol

/// What a handle stands for: a node, as it was opened. Confined to the filesystem.
final class OpenFile {
    let node: Node
    let writes: Bool
    /// Who opened it.
    let creator: any Creator
    /// What the node had seen of others when it was opened.
    private let foreignMoves: Int
    /// What was to be written through it is missing: it can write no more, and close(2) tells why.
    var failure: FilesystemError?
    /// The staged file that was last changed through it (`StagedFile.serial`).
    private var changed: UInt64 = 0
    /// Its creator was killed.
    var isAbandoned = false
    /// Of the version that it read last.
    private var reader: FileReader?

    init(_ node: Node, _ mode: OpenMode, by creator: any Creator) {
        self.node = node
        self.creator = creator
        writes = mode.writes
        foreignMoves = node.foreignMoves
        node.handles += 1
        if writes { node.writers += 1 }
    }

    /// Whether the node stands for another version than the one that was opened, which somebody else has published: it
    /// is not for whoever did not know it to change that.
    var isOutdated: Bool { foreignMoves != node.foreignMoves }

    func hasChanged(_ staged: StagedFile) -> Bool { changed == staged.serial }

    func changes(_ staged: StagedFile) { changed = staged.serial }

    /// A reader of what the node stands for; nil if that is nothing that could be read.
    func reader(_ client: Client) -> FileReader? {
        guard let size = node.contentSize else { return nil }
        if let reader, reader.id == node.content { return reader }
        let made = FileReader(client: client, id: node.content, size: size)
        reader = made
        return made
    }
}
