import Client
import Mutations
import Protocol

/// A file that is being written, new or an edit of a finished one: only this filesystem sees it, under its name, until
/// it is published. Confined to the filesystem.
final class StagedFile {
    enum State {
        /// Can be written.
        case building
        /// Being stored and linked; nothing can be written any more.
        case publishing
        /// Visible, scrapped or failed: over.
        case ended
    }

    /// Tells it apart from others of its node.
    let serial: UInt64
    /// The new file's, or that of the file of which it will be the next version.
    let node: Node
    var writer: FileWriter
    /// The name it will get.
    var place: Place {
        didSet { names.insert(place.name) }
    }
    /// Every name that observers may know it by: they learn of a rename a moment after us.
    private(set) var names: Set<[UInt8]>
    /// The name that it may have instead by now: what became of a rename nobody has heard.
    var perhapsMoved: Place?
    /// The directory for which the writer was made; it can only be linked from that directory's shard.
    var home: InodeID
    /// Who began it.
    let creator: any Creator

    /// Whether its node stood for nothing before.
    let isNew: Bool
    var base: Base
    /// The number of the file that it will be a version of; nil: it is a file of its own.
    var number: InodeID?
    /// Whether an older file has the name until this one takes it.
    var replacesExisting: Bool
    /// What it was renamed over, which has the name at the cluster until then.
    private(set) var replaced: InodeID?
    /// Who had the name before this file was renamed over it, and has it still at the cluster: he gets it back if nothing
    /// comes of this file.
    weak var displaced: Node?
    /// Who made it or gave it its name, if he can replace only what is his (of a directory with the sticky bit).
    var sparingMaker: UInt32?
    /// Who that is once it replaces anything: whoever may replace in its directory only what is his.
    var replacer: UInt32?
    /// Whether the name may not be there before: O_EXCL.
    var isExclusive = false
    /// Every write so far came through O_APPEND, so it can go behind another base as well.
    var appendsOnly: Bool
    /// Nothing of its base was changed, only more added.
    var keepsBase = true
    /// Nothing of its base is in it: it can take the place of another version of the same file as well.
    private(set) var replacesAll = false
    /// Everybody who has changed it had changed the version of this node that was published before it.
    private(set) var goesOn = true
    /// Zeros were added that may take no room.
    var mayHaveHoles = false
    /// It has another base than observers think, and so perhaps another size and other contents.
    var wasRebased = false
    /// Some of what it has it got after it was published.
    var wasCompletedLate = false
    /// Its base is a version that somebody else has published since.
    var hasForeignBase = false

    var state = State.building
    /// The name was removed, or given to something else: never publish.
    var isUnlinked = false
    /// Somebody else has done that, on another host: who closes it must learn that nothing comes of it.
    var isTaken = false
    /// It lost its name to somebody here, who knew what he did.
    var wasRemovedHere: Bool { isUnlinked && !isTaken }
    /// Somebody who changed it was not killed: the last release does not scrap it.
    var isWanted = false
    /// Somebody who changed it was killed: if nothing comes of it, the log is to say so.
    var wasAbandoned = false
    /// A program was told by fsync that its data is stored: then it appears even if the program is killed.
    var isSynchronized = false
    /// The first error of a write: what was to be written is missing, so the file will not appear.
    var failure: FilesystemError?
    var publication: Task<FilesystemError?, Never>?
    /// Changes under way.
    var changes = 0

    /// What it will have that it has from nobody else: a new file. Nil: what its base has, except for `changed`.
    var own: InitialAttributes?
    /// Somebody has changed it who may not give it the rights of a program: its next version has none of its base's.
    var clearsPrivileges = false
    /// The capability that somebody has given it since its bytes were changed last, so that its next version has it.
    var capability: [UInt8]?
    /// What is another than with its base.
    var changed = Ownership()
    /// Somebody has chosen an owner, a mode or an extended attribute of a new file.
    var hasChosenRights = false
    /// The newest version of the file that it is an edit of, which others may have published since it began, and until
    /// when that may be believed: its owner and rights are the file's.
    private var newest: InodeAttributes?
    private var newestUntil: UInt64 = 0
    /// When anything was set last that is not bytes.
    var attributesChanged = Timestamp.zero
    /// What it will be if it is no ordinary file; then it has no bytes.
    var special: SpecialFile?

    /// Times that were set before the file exists.
    var chosenModified: Timestamp?
    var chosenAccessed: Timestamp?
    /// Of the last write.
    private(set) var modified: Timestamp
    /// What a program was told, last.
    var toldModified: Timestamp?

    init(
        serial: UInt64, _ node: Node, _ writer: FileWriter, _ place: Place, home: InodeID, creator: any Creator,
        base: Base, number: InodeID?, appendsOnly: Bool, now: Timestamp
    ) {
        self.serial = serial
        self.node = node
        self.writer = writer
        self.place = place
        self.home = home
        self.creator = creator
        self.base = base
        self.number = number
        self.appendsOnly = appendsOnly
        names = [place.name]
        replacesExisting = number != nil
        isNew = number == nil
        modified = now
    }

    /// The times that its inode has to get. What fstat(2) said after the last write must stay true, for git and others
    /// remember it.
    var modifiedToSet: Timestamp? { chosenModified ?? confirmedModified }
    /// Whoever reads it first must find that nobody did since it was written.
    var accessedToSet: Timestamp? { chosenAccessed ?? confirmedModified }
    /// With what others have written before it, it is younger than that.
    private var confirmedModified: Timestamp? { toldModified == modified && !hasForeignBase ? toldModified : nil }

    /// Bytes so far. On the filesystem's loop only, which is the writer's.
    var size: UInt64 { writer.assumeIsolated { $0.size } }

    /// What the judge of its closes may know.
    var description: UnfinishedFile {
        UnfinishedFile(node: node.id, names: names, handles: node.writers)
    }

    /// Somebody changes it for the first time.
    /// - Parameter earlier: the staged file that he has changed before; nil: he cannot have changed one.
    func isChanged(byWhoChanged earlier: UInt64?) {
        guard earlier == nil || earlier != node.ownVersion?.serial else { return }
        if !Mutation.anybodyIsOnTheWay.isPlanted { goesOn = false }
    }

    /// Bytes in this range become others.
    func willChange(_ range: Range<UInt64>, appends: Bool) {
        if range.lowerBound > size { mayHaveHoles = true }
        appendsOnly = appendsOnly && appends
        if case .version(_, let size) = base, range.lowerBound < size, !range.isEmpty { keepsBase = false }
    }

    /// Bytes became others. A time that somebody has set before is not theirs.
    /// - Parameter isPage: of a mapping, in which it was changed at a moment that nobody knows.
    func wasChanged(at now: Timestamp, isPage: Bool = false) {
        modified = now
        if !isPage, !Mutation.chosenTimesOutliveWrites.isPlanted { chosenModified = nil }
    }

    /// A new file is renamed: it takes the name from whatever has it at the close.
    /// - Parameters:
    ///   - present: what has the name now, if anything has.
    ///   - maker: whose everything must be that it replaces; nil: it need not.
    func take(from present: InodeID?, sparing maker: UInt32?) {
        (replaced, replacesExisting, isExclusive) = (present, present != nil, false)
        (sparingMaker, replacer) = (maker, maker)
        guard maker != nil else {
            base = .anything
            return
        }
        base = present.map { Base.version($0, size: 0) } ?? .nothing
        // It is no next version of that.
        keepsBase = false
    }

    /// It replaces everything from now on: a new file whatever has its name then, an edit any version of its own file.
    func beginAnew() {
        if isNew, base != .nothing || !isExclusive {
            if let replacer { sparingMaker = replacer } else { base = .anything }
        }
        appendsOnly = false
        keepsBase = false
        replacesAll = true
    }

    // MARK: Rights of an edit

    /// The inode whose owner and rights it has, as they were known last.
    var lastRights: InodeAttributes? { newest }

    /// The same, if it is fresh enough.
    func rights(at nanoseconds: UInt64) -> InodeAttributes? {
        nanoseconds < newestUntil ? newest : nil
    }

    func remember(rights: InodeAttributes, until nanoseconds: UInt64) {
        (newest, newestUntil) = (rights, nanoseconds)
    }

    func forgetRights() {
        newestUntil = 0
    }
}
