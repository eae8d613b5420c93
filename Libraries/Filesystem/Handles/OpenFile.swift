import Client
import Protocol

/// What a handle stands for: a node, as it was opened. Confined to the filesystem.
final class OpenFile {
    let node: Node
    let writes: Bool
    /// Who opened it.
    let opener: Caller
    /// What was to be written through it is missing: it can write no more, and close(2) tells why.
    var failure: FilesystemError?
    /// The staged file that its open began (`StagedFile.serial`).
    var begun: UInt64?
    /// Of the version that it read last.
    private var reader: FileReader?

    init(_ node: Node, _ mode: OpenMode, by opener: Caller) {
        self.node = node
        self.opener = opener
        writes = mode.writes
        node.handles += 1
        if writes { node.writers += 1 }
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
