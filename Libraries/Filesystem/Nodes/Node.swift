import Client
import Mutations
import Protocol

/// A version that was published while somebody who had changed it had it open to go on.
struct OwnVersion {
    let id: InodeID
    /// The staged file that became it, by which those are known who had changed it (`OpenFile.changed`).
    let serial: UInt64
}

/// A file or directory that somebody knows. Confined to the filesystem.
package final class Node {
    package let id: NodeID
    /// The version of the file that it stands for now; of anything else, the inode.
    package internal(set) var content: InodeID
    /// The file's number at the cluster, which its next version takes over. Another one than the node's only where a
    /// version did not get it.
    package internal(set) var number: InodeID
    /// Its name, as far as is known here; nil when it was removed, or was never known.
    package var place: Place? {
        didSet {
            guard let place else { return }
            (lastPlace, isUnlinked) = (place, false)
        }
    }
    /// When it got its name, if that is known.
    private(set) var linked: Timestamp?
    /// The last name that was known.
    private(set) var lastPlace: Place?
    /// It lost its name, here or elsewhere: it can be used on, and nothing comes of that.
    private(set) var isUnlinked = false
    /// How often observers were told of it and have not forgotten it.
    package var references: UInt64 = 0
    /// Open handles.
    var handles = 0
    /// Those of them that can write.
    private(set) var writing: [OpenFile] = []
    var writers: Int { writing.count }
    /// The handle that it was made with, if that can only read, until it is finished.
    weak var maker: OpenFile?
    /// The file that is being written and will be its content.
    var staged: StagedFile?
    /// The changes of its content that are under way.
    var line = ChangeLine()
    /// Somebody begins a staged file.
    var isStaging = false
    /// How many move its name at the cluster; nothing is published meanwhile.
    var movers = 0
    private var waiters: [UnsafeContinuation<Void, Never>] = []
    /// The last version that was published here, if that was on the way of those who had changed it.
    var ownVersion: OwnVersion?
    /// When it came to stand for another version here (`Filesystem.moves`).
    var lastMove: UInt64 = 0
    /// The last notice that its content changed (`Filesystem.notices`).
    var lastNotice: UInt64 = 0
    /// How often it came to stand for a version that somebody else has published.
    var foreignMoves = 0
    /// Bytes of the version that it stands for; nil: not known yet.
    private(set) var contentSize: UInt64?
    /// Of that version, as they were known last; its size never changes.
    private var attributes: InodeAttributes?
    private var attributesUntil: UInt64 = 0
    /// Changes whenever what is known of attributes does.
    private(set) var knowledge: UInt64 = 0
    /// Those that belong to these attributes.
    private var extended: ExtendedAttributes?
    private var growth = Growth.none

    /// What has been done here in this directory since its attributes were asked for.
    private enum Growth {
        case none
        /// Files were made in it.
        case files
        /// Other names were changed as well.
        case names
    }

    package init(id: NodeID) {
        self.id = id
        content = id.inode
        number = id.inode
    }

    /// Whether somebody could tell it from one that is made anew.
    var isInUse: Bool {
        references > 0 || handles > 0 || staged != nil || isStaging || movers > 0 || !line.isEmpty
    }

    /// Whether somebody works with the version that it stands for.
    var isHeld: Bool { handles > 0 || isStaging }

    func nameIsGone() {
        place = nil
        isUnlinked = true
    }

    /// It got its name then, as somebody says who may be late.
    func wasLinked(at time: Timestamp) {
        linked = max(linked ?? time, time)
    }

    // MARK: Handles

    func beganWriting(_ file: OpenFile) {
        writing.append(file)
    }

    func endedWriting(_ file: OpenFile) {
        writing.removeAll { $0 === file }
    }

    // MARK: Versions

    /// It stands for this version from now on. The node table's business.
    func stand(for version: InodeID, number: InodeID) {
        if version != content { (contentSize, attributes, attributesUntil, extended) = (nil, nil, 0, nil) }
        (content, self.number) = (version, number)
    }

    // MARK: Attributes of the version

    /// What is known of its version, if it is fresh enough.
    package func attributes(at nanoseconds: UInt64) -> InodeAttributes? {
        nanoseconds < attributesUntil ? attributes : nil
    }

    /// Whose its version was when that was known last.
    var lastOwnership: Ownership { attributes?.stored?.ownership ?? Ownership() }

    /// What kind of file its version is, which never changes; nil where that was never known.
    var nature: FileNature? {
        attributes.map { known in known.stored?.special.map(FileNature.special) ?? .ordinary }
    }

    /// Whether its version may have extended attributes, as far as was known last and not forgotten since.
    var mayHaveExtended: Bool {
        if attributesUntil == 0, !Mutation.attributesOfEditsAreOverlooked.isPlanted { return true }
        return attributes?.stored.map { $0.extendedBytes > 0 } ?? true
    }

    /// Bytes of its version that take no room, as they were known last.
    var lastHoleBytes: UInt64 { attributes?.stored?.holeBytes ?? 0 }

    /// The extended attributes that its version has beside `found`, if they are known.
    func extended(of found: InodeAttributes) -> ExtendedAttributes? {
        guard let stored = found.stored, stored.extendedBytes > 0 else { return ExtendedAttributes() }
        return found == attributes ? extended : nil
    }

    func remember(_ extended: ExtendedAttributes, of found: InodeAttributes) {
        guard found == attributes else { return }
        self.extended = extended
    }

    /// It was read at this time, as far as attributes are known.
    func accessed(_ time: Timestamp) {
        guard let known = attributes else { return }
        knowledge &+= 1
        guard var stored = known.stored else {
            attributes = InodeAttributes(id: known.id, modified: known.modified, accessed: time, size: known.size)
            return
        }
        stored.accessed = time
        attributes = known.with(stored)
    }

    package func remember(_ attributes: InodeAttributes, until nanoseconds: UInt64) {
        guard attributes.id == content else { return }
        (self.attributes, extended, growth) = (attributes, nil, .none)
        attributesUntil = nanoseconds
        knowledge &+= 1
        contentSize = attributes.size
    }

    func forgetAttributes() {
        attributesUntil = 0
        knowledge &+= 1
    }

    // MARK: Directories

    /// Somebody here has made a file in this directory, which has no name at the cluster yet.
    func willGrow() {
        if growth == .none { growth = .files }
    }

    /// Somebody here changes names in this directory in another way.
    func willChange() { growth = .names }

    /// A new file has got its name in this directory.
    func grew(at time: Timestamp) {
        guard let known = attributes, time > known.modified, !Mutation.directoriesDoNotGrow.isPlanted else { return }
        knowledge &+= 1
        attributes = known.grown(at: time)
    }

    /// What is known of a directory in which somebody has made a file, and done nothing else since that was asked for;
    /// and for how much longer it may be believed. Once for each file.
    func takeGrowth(at nanoseconds: UInt64) -> (attributes: InodeAttributes, validNanoseconds: UInt64)? {
        guard growth == .files || growth == .names && Mutation.directoriesOnlyGrow.isPlanted else { return nil }
        growth = .none
        return attributes(at: nanoseconds).map { ($0, attributesUntil - nanoseconds) }
    }

    // MARK: Waiting

    /// Returns when `wake` was called: look at the state again.
    nonisolated(nonsending) func change() async {
        await withUnsafeContinuation { waiters.append($0) }
    }

    func wake() {
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
    }
}
