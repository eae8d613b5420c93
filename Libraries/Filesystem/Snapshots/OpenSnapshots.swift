import Client
import Protocol

/// What is remembered for those who look at snapshots. Bounded, and nothing that could not be asked for again. Confined
/// to the filesystem.
struct OpenSnapshots {
    var readers: [HandleID: FileReader] = [:]

    // MARK: Listings

    /// Pages listed lately, the newest last: whoever goes on in the middle of one, as kernels do all the time, or comes
    /// back to it, needs nobody else.
    private var pages: [SnapshotPage] = []
    private static let pageLimit = 64

    /// Behind an entry of a directory's.
    func place(behind offset: UInt64, in directory: InodeID) -> (page: SnapshotPage, index: Int)? {
        for page in pages.reversed() where page.directory == directory {
            if let index = page.index(behind: offset) { return (page, index) }
        }
        return nil
    }

    mutating func remember(_ page: SnapshotPage) {
        pages.removeAll { $0.directory == page.directory && $0.start == page.start }
        if pages.count >= Self.pageLimit { pages.removeFirst() }
        pages.append(page)
    }

    // MARK: The way up

    /// Removed directories, and those whose snapshots they were found in, which the cluster does not know any more.
    private var parents: [InodeID: InodeID] = [:]
    private static let parentLimit = 8192

    mutating func found(_ directory: InodeID, in parent: InodeID) {
        if parents.count >= Self.parentLimit { parents.removeAll(keepingCapacity: true) }
        parents[directory] = parent
    }

    func parent(of directory: InodeID) -> InodeID? { parents[directory] }

    // MARK: Names of hidden places

    private struct Search: Equatable {
        let thread: Int32
        let directory: InodeID
    }

    /// Threads that have asked what is above a hidden place. Oldest first.
    private var searches: [Search] = []
    private static let searchLimit = 64

    /// A kernel that has only the number of a hidden place asks for its directory, and then lists that to learn the name.
    mutating func seeksName(_ thread: Int32, in directory: InodeID) {
        _ = takeSearch(thread, in: directory)
        if searches.count >= Self.searchLimit { searches.removeFirst() }
        searches.append(Search(thread: thread, directory: directory))
    }

    /// Whether whoever begins to list a directory does so for that.
    mutating func takeSearch(_ thread: Int32, in directory: InodeID) -> Bool {
        guard let index = searches.firstIndex(of: Search(thread: thread, directory: directory)) else { return false }
        searches.remove(at: index)
        return true
    }
}
