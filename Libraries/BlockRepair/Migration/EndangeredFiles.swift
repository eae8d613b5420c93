import Protocol

/// Files waiting to be migrated, those with blocks on most of the bad services first: they are closest to being lost.
/// Holds a bounded number; what does not fit is found by the next scan. Pure.
package struct EndangeredFiles: Sendable {
    private let limit: Int
    /// Files by the number of bad services that they are on.
    private var files: [Int: [InodeID]] = [:]
    package private(set) var count = 0
    /// Files that had to be left out.
    package private(set) var omitted = 0

    package init(limit: Int = 1_000_000) {
        self.limit = max(1, limit)
    }

    /// - Parameter services: on how many bad services the file has blocks.
    package mutating func insert(_ file: InodeID, services: Int) {
        if count >= limit {
            omitted += 1
            // Whoever is in least danger makes room.
            guard let least = files.keys.min(), least < services else { return }
            remove(oneOf: least)
        }
        files[services, default: []].append(file)
        count += 1
    }

    /// Takes one of those in most danger out.
    package mutating func popMostEndangered() -> InodeID? {
        guard let most = files.keys.max(), let file = files[most]?.last else { return nil }
        remove(oneOf: most)
        return file
    }

    private mutating func remove(oneOf services: Int) {
        files[services]?.removeLast()
        count -= 1
        if files[services]?.isEmpty == true { files[services] = nil }
    }
}
