import Client
import Protocol

/// What a handle stands for: a node, as it was opened. Confined to the filesystem.
final class OpenFile {
    let node: NodeID
    /// A finished file that was opened for writing can be continued at its end, or truncated to nothing.
    let isWritable: Bool
    /// Who opened it.
    let opener: Caller
    /// Observers cache nothing of what goes through this handle.
    let isDirect: Bool
    /// The finished version that was opened; nil if it was staged then.
    let version: FileReader?
    /// The name it had then.
    let place: Place?
    /// The file that it reads and writes, which may be published or scrapped by now; nil: it reads the version.
    private(set) var staged: StagedFile?
    /// The first error of what was to begin a staged file; close(2) will tell it again.
    var failure: FilesystemError?

    /// On a finished file.
    init(_ version: FileReader, of node: Node, _ mode: OpenMode, by opener: Caller) {
        self.node = node.id
        self.version = version
        self.opener = opener
        isWritable = mode.writes
        isDirect = mode.isDirect
        place = node.place
    }

    /// On a staged file.
    init(_ staged: StagedFile) {
        node = staged.node
        self.staged = staged
        opener = .unknown
        isWritable = true
        isDirect = staged.isDirect
        version = nil
        place = staged.place
        staged.handles += 1
    }

    /// It reads and writes this file from now on.
    func adopt(_ staged: StagedFile) {
        guard self.staged !== staged else { return }
        if self.staged == nil, isDirect { staged.isDirect = true }
        self.staged = staged
        staged.handles += 1
    }
}
