import Client
import Protocol

/// A file that is being written through this mount. Confined to the mount.
final class Construction {
    enum State {
        /// Can be written.
        case building
        /// Being stored and linked; nothing can be written any more.
        case publishing
        /// Visible, scrapped or failed: over.
        case ended
    }

    /// The kernel's number for it: that of the new file, or of the file it replaces.
    let number: UInt64
    var writer: FileWriter
    /// The name it will get.
    var place: Place {
        didSet { names.insert(place.name) }
    }
    /// Every name that the kernel may know it by: it learns of a rename a moment after us.
    private(set) var names: Set<[UInt8]>
    /// The directory for which the file was made; it can only be linked from that directory's shard.
    let home: InodeID
    /// Nil when that cannot be known; then only the last release decides.
    let creator: CreatorProcess?
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
    /// It has another base than the kernel thinks, and so perhaps another size and other contents.
    var wasRebased = false
    /// The first error of a write: what was to be written is missing, so the file will not appear.
    var failure: Errno?
    /// The kernel caches nothing of what goes through some handle on it.
    var isDirect: Bool
    /// Who closed a descriptor first, as the kernel numbers tables of descriptors; only where callers are not seen.
    var firstCloser: UInt64?
    /// Open handles.
    var handles = 0
    var publication: Task<Errno?, Never>?

    /// Times that were set before the file exists.
    var chosenModified: Timestamp?
    var chosenAccessed: Timestamp?
    /// Of the last write.
    var modified: Timestamp
    /// What a program was told, last.
    var toldModified: Timestamp?

    init(
        number: UInt64, writer: FileWriter, place: Place, creator: CreatorProcess?, replacesExisting: Bool,
        isDirect: Bool, now: Timestamp
    ) {
        self.number = number
        self.writer = writer
        self.place = place
        names = [place.name]
        home = place.directory
        self.creator = creator
        self.replacesExisting = replacesExisting
        self.isDirect = isDirect
        modified = now
    }

    /// Bytes so far. On the mount's loop only, which is the writer's.
    var size: UInt64 { writer.assumeIsolated { $0.size } }

    /// Bytes that cannot be changed any more. As above.
    var sealedBytes: UInt64 { writer.assumeIsolated { $0.sealedBytes } }
}
