import Client
import Protocol

/// What is remembered for those who look at snapshots. Confined to the filesystem.
struct OpenSnapshots {
    /// A name of a snapshot and what it leads to.
    struct Listed {
        let name: SnapshotName
        let target: InodeID
    }

    var readers: [HandleID: FileReader] = [:]
    /// Of directories that are being listed, so that a page goes on where the last one ended; oldest first.
    private var listings: [(directory: InodeID, names: [Listed])] = []
    /// More at once are listed anew at every page.
    private static let listingLimit = 16

    func listing(of directory: InodeID) -> [Listed]? {
        listings.last { $0.directory == directory }?.names
    }

    mutating func remember(_ names: [Listed], of directory: InodeID) {
        forgetListing(of: directory)
        if listings.count >= Self.listingLimit { listings.removeFirst() }
        listings.append((directory, names))
    }

    mutating func forgetListing(of directory: InodeID) {
        listings.removeAll { $0.directory == directory }
    }
}
