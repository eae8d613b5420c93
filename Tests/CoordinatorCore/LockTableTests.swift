import CoordinatorCore
import Protocol
import Testing

/// Locks: who runs beside whom, and in which order.
@Suite struct LockTableTests {
    /// The table behind a reference, because expectations cannot mutate.
    private final class Table {
        private var table = LockTable()
        var isEmpty: Bool { table.isEmpty }
        func acquire(_ claims: [LockClaim], for id: TransactionID) -> Bool { table.acquire(claims, for: id) }
        func release(_ id: TransactionID) -> [TransactionID] { table.release(id) }
    }

    private let parent = InodeID(type: .directory, shard: ShardID(rawValue: 1), index: 1)
    private let child = InodeID(type: .directory, shard: ShardID(rawValue: 2), index: 1)

    private func id(_ number: UInt64) -> TransactionID { TransactionID(rawValue: number) }
    private func name(_ text: String) -> LockClaim { .name(parent, Array(text.utf8)) }

    @Test func differentNamesOfOneDirectoryRunSideBySide() {
        let table = Table()
        #expect(table.acquire([name("a"), .shared(parent)], for: id(1)))
        #expect(table.acquire([name("b"), .shared(parent)], for: id(2)))
        #expect(table.release(id(1)).isEmpty)
        #expect(table.release(id(2)).isEmpty)
        #expect(table.isEmpty)
    }

    @Test func oneNameIsTakenInOrder() {
        let table = Table()
        #expect(table.acquire([name("a")], for: id(1)))
        #expect(!table.acquire([name("a")], for: id(2)))
        #expect(!table.acquire([name("a")], for: id(3)))
        #expect(table.release(id(1)) == [id(2)])
        #expect(table.release(id(2)) == [id(3)])
        #expect(table.release(id(3)).isEmpty)
        #expect(table.isEmpty)
    }

    @Test func exclusiveWaitsForAllSharedAndKeepsLaterOnesBehindIt() {
        let table = Table()
        #expect(table.acquire([.shared(parent)], for: id(1)))
        #expect(table.acquire([.shared(parent)], for: id(2)))
        #expect(!table.acquire([.exclusive(parent)], for: id(3)))
        #expect(!table.acquire([.shared(parent)], for: id(4)))
        #expect(!table.acquire([.shared(parent)], for: id(5)))
        #expect(table.release(id(1)).isEmpty)
        #expect(table.release(id(2)) == [id(3)])
        #expect(table.release(id(3)) == [id(4), id(5)])
    }

    @Test func claimsOnTheSameResourceMerge() {
        let table = Table()
        #expect(table.acquire([.shared(parent), .exclusive(parent), .owner(of: parent)], for: id(1)))
        #expect(!table.acquire([.shared(parent)], for: id(2)))
        #expect(table.release(id(1)) == [id(2)])
    }

    @Test func waitsForSeveralResources() {
        let table = Table()
        #expect(table.acquire([.exclusive(parent)], for: id(1)))
        #expect(table.acquire([.exclusive(child)], for: id(2)))
        #expect(!table.acquire([.exclusive(child), .exclusive(parent)], for: id(3)))
        #expect(table.release(id(1)).isEmpty)
        #expect(table.release(id(2)) == [id(3)])
    }
}
