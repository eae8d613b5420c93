import Protocol

/// Transient files made ahead of their use, by shard: how many there should be follows from how fast they are taken.
/// Pure.
///
/// What is left over expires at the shards like any unfinished file. A file gets its times when it is linked, so an old
/// inode does not show.
package struct SpareFiles {
    package struct Spare: Sendable {
        package let handle: TransientHandle
        /// When it was asked for, by a clock that counts suspension, as all times here.
        package let nanoseconds: UInt64

        package init(handle: TransientHandle, nanoseconds: UInt64) {
            self.handle = handle
            self.nanoseconds = nanoseconds
        }
    }

    private struct Shelf {
        var spares: [Spare] = []
        var ordered = 0
        /// Files made one after the other.
        var row = 0
        /// How many to have, 0 until files are made in a row.
        var wanted = 0
        var lastUseNanoseconds: UInt64 = 0
    }

    private static let limit = 32
    /// Files that are made farther apart than this are not "in a row".
    private static let rowNanoseconds: UInt64 = 2_000_000_000

    private var shelves: [ShardID: Shelf] = [:]

    package init() {}

    /// A spare, if there is one, and how many to make now.
    /// - Parameters:
    ///   - lifetimeNanoseconds: after which the shard expires an unfinished file that nobody touches. A spare is used in
    ///     the first half of it.
    ///   - together: whether one request makes as many as are wanted, so that they are to be ordered together.
    package mutating func take(
        _ shard: ShardID, now: UInt64, lifetimeNanoseconds: UInt64, together: Bool
    ) -> (spare: Spare?, order: Int) {
        var shelf = shelves[shard, default: Shelf()]
        defer { shelves[shard] = shelf }
        shelf.spares.removeAll { now &- $0.nanoseconds > lifetimeNanoseconds / 2 }
        let isInRow = shelf.lastUseNanoseconds != 0 && now &- shelf.lastUseNanoseconds < Self.rowNanoseconds
        shelf.lastUseNanoseconds = now
        let taken = shelf.spares.popLast()
        shelf.row = isInRow ? shelf.row + 1 : 0
        if !isInRow {
            shelf.wanted = 0
        } else if taken == nil {
            shelf.wanted = min(max(1, shelf.wanted * 2), Self.limit)
        } else if together {
            // What is left over of a row has to be collected, so it is no more than a part of the row.
            shelf.wanted = max(shelf.wanted, min(shelf.row / 4, Self.limit))
        }
        let missing = max(0, shelf.wanted - shelf.spares.count - shelf.ordered)
        // Half a stock is enough until the other half comes.
        let order = together && missing < shelf.wanted - shelf.wanted / 2 ? 0 : missing
        shelf.ordered += order
        return (taken, order)
    }

    /// Those of an order that could be made are here.
    package mutating func arrived(_ spares: [Spare], ofOrder count: Int, _ shard: ShardID) {
        var shelf = shelves[shard, default: Shelf()]
        shelf.ordered -= count
        shelf.spares += spares
        shelves[shard] = shelf
    }
}
