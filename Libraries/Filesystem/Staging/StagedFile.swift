import Client
import Protocol

/// A file that is being written: only this filesystem sees it, under its name, until it is published. Confined to the
/// filesystem.
final class StagedFile {
    enum State {
        /// Can be written.
        case building
        /// Being stored and linked; nothing can be written any more.
        case publishing
        /// Visible, scrapped or failed: over.
        case ended
    }

    /// That of the new file, or of the file it replaces.
    let node: NodeID
    var writer: FileWriter
    /// The name it will get.
    var place: Place {
        didSet { names.insert(place.name) }
    }
    /// Every name that observers may know it by: they learn of a rename a moment after us.
    private(set) var names: Set<[UInt8]>
    /// The directory for which the file was made; it can only be linked from that directory's shard.
    let home: InodeID
    let creator: any Creator
    /// Whether an older file has the name until this one takes it.
    var replacesExisting: Bool

    var state = State.building
    /// The name was removed, or given to something else: never publish.
    var isUnlinked = false
    /// The creator was killed: scrap at the last release.
    var isAbandoned = false
    /// A program was told by fsync that its data is stored: then it appears even if the program is killed.
    var isSynchronized = false
    /// What it continues: the name must lead to that when this file takes it. Nil: it replaces whatever is there.
    var base: Base?
    /// Every write so far came through O_APPEND, so it can go behind another base as well.
    var appendsOnly = false
    /// It has another base than observers think, and so perhaps another size and other contents.
    var wasRebased = false
    /// The first error of a write: what was to be written is missing, so the file will not appear.
    var failure: FilesystemError?
    /// Observers cache nothing of what goes through some handle on it.
    var isDirect: Bool
    /// Open handles.
    var handles = 0
    var publication: Task<FilesystemError?, Never>?

    /// Times that were set before the file exists.
    var chosenModified: Timestamp?
    var chosenAccessed: Timestamp?
    /// Of the last write.
    var modified: Timestamp
    /// What a program was told, last.
    var toldModified: Timestamp?

    init(
        node: NodeID, writer: FileWriter, place: Place, creator: any Creator, replacesExisting: Bool, isDirect: Bool,
        now: Timestamp
    ) {
        self.node = node
        self.writer = writer
        self.place = place
        names = [place.name]
        home = place.directory
        self.creator = creator
        self.replacesExisting = replacesExisting
        self.isDirect = isDirect
        modified = now
    }

    /// Bytes so far. On the filesystem's loop only, which is the writer's.
    var size: UInt64 { writer.assumeIsolated { $0.size } }

    /// Bytes that cannot be changed any more. As above.
    var sealedBytes: UInt64 { writer.assumeIsolated { $0.sealedBytes } }

    /// What the judge of its closes may know.
    var description: UnfinishedFile { UnfinishedFile(node: node, names: names, handles: handles, size: size) }
}
