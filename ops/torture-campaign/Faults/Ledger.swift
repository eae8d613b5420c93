import Protocol
import Synchronization

/// What was done to which block. Written to a file before it is done, so that no injected fault goes unrecorded.
package final class Ledger: Sendable {
    struct Entry: Sendable {
        let kind: String
        let block: BlockID
        let disk: Int
        let file: String
        let spanOffset: UInt64
        /// For a small block: all its copies that are known, which are damaged alike.
        var places: [SmallBlockPlace] = []
        /// Whether it is certain that it was done: not when the disk refused it, on a full disk for example.
        var isCertain = true
    }

    private let entries = Mutex<[BlockID: Entry]>([:])
    private let path: String
    private let started = monotonicSeconds()

    /// - Parameter path: where it is kept.
    package init(path: String) { self.path = path }

    /// Notes damage; a block that is damaged again stays damaged once.
    func record(_ entry: Entry, _ detail: String) {
        entries.withLock { $0[entry.block] = entry }
        let place = "disk \(entry.disk) file \(entry.file) span \(entry.spanOffset)"
        note("\(entry.kind) block \(entry.block) \(place) \(detail)")
    }

    /// What was noted may not have been done, or only in part.
    func doubt(_ block: BlockID) {
        entries.withLock { $0[block]?.isCertain = false }
        note("in doubt: block \(block)")
    }

    /// What was damaged turned out to be an old copy: its service had just moved the block.
    func withdraw(_ block: BlockID) {
        entries.withLock { $0[block] = nil }
        note("withdrawn: block \(block)")
    }

    /// A fault that is not of one block.
    func note(_ text: String) {
        let tenths = Int((monotonicSeconds() - started) * 10)
        appendLine("\(tenths / 10).\(tenths % 10) \(text)", to: path)
    }

    func isDamaged(_ block: BlockID) -> Bool { entries.withLock { $0[block] != nil } }

    subscript(block: BlockID) -> Entry? { entries.withLock { $0[block] } }

    /// Blocks on record.
    var count: Int { entries.withLock { $0.count } }
}
