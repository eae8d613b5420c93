import Mutations

/// The changes of a file's bytes that are under way or wait for others, in the order in which they arrived, in which
/// they are done: the program that asked for the first may have been killed meanwhile, and whoever was told that his
/// own was done must not lose it to that. Pages of mappings come beside the lock under which a kernel lets the others
/// through one by one: they wait, and are waited for, only where they concern the same bytes.
struct ChangeLine {
    /// A place in the line.
    struct Turn: Sendable {
        fileprivate let number: UInt64
        /// The bytes that become others; of a truncation all behind the new end.
        let range: Range<UInt64>
        /// They come from a mapping.
        let isPage: Bool

        fileprivate func excludes(_ range: Range<UInt64>, isPage: Bool) -> Bool {
            if self.isPage || isPage {
                if Mutation.pagesOvertakeChanges.isPlanted { return false }
                if !Mutation.pagesWaitForEverybody.isPlanted { return self.range.overlaps(range) }
            }
            return !Mutation.changesOvertakeEachOther.isPlanted
        }
    }

    private enum Progress { case waiting, underWay, goesOnForNobody }

    private var turns: [(turn: Turn, progress: Progress)] = []
    private var lastNumber: UInt64 = 0

    var isEmpty: Bool { turns.isEmpty }
    /// Whether somebody has not yet come to change anything.
    var isAwaited: Bool { turns.contains { $0.progress == .waiting } }

    /// Whether a change could be made at once without harm to those that arrived before.
    func isFree(for range: Range<UInt64>, isPage: Bool) -> Bool {
        turns.isEmpty || !turns.contains { $0.turn.excludes(range, isPage: isPage) }
    }

    mutating func enter(_ range: Range<UInt64>, isPage: Bool) -> Turn {
        lastNumber += 1
        let turn = Turn(number: lastNumber, range: range, isPage: isPage)
        turns.append((turn, .waiting))
        return turn
    }

    /// Whether all before it have left that it waits for.
    func hasCome(_ turn: Turn) -> Bool {
        !turns.prefix { $0.turn.number < turn.number }.contains {
            $0.turn.excludes(turn.range, isPage: turn.isPage)
        }
    }

    /// It changes bytes from now on.
    mutating func begin(_ turn: Turn) { advance(turn, to: .underWay) }

    /// It goes on, although nobody waits for it any more, and keeps its place until it ends.
    mutating func keep(_ turn: Turn) { advance(turn, to: .goesOnForNobody) }

    func isKept(_ turn: Turn) -> Bool {
        turns.contains { $0.turn.number == turn.number && $0.progress == .goesOnForNobody }
    }

    mutating func leave(_ turn: Turn) {
        turns.removeAll { $0.turn.number == turn.number }
    }

    private mutating func advance(_ turn: Turn, to progress: Progress) {
        guard let index = turns.firstIndex(where: { $0.turn.number == turn.number }) else { return }
        turns[index].progress = progress
    }
}
