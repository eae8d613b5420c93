import Synchronization

/// A file that is there because its close() returned 0.
struct KnownFile: Sendable {
    let number: Int
    /// Below the mount point.
    var path: String
    var content: Content
    /// The mount through which it was changed last, and when (monotonic seconds). Others may see the old name or
    /// content for about a second.
    var mount: Int
    var changedSeconds: Double
}

/// Which files there must be. A file is either idle, or taken by exactly one worker.
final class FileModel: Sendable {
    private struct State {
        var idle: [KnownFile] = []
        var taken = 0
        var bytes = 0
        var nextNumber = 0
        /// Of files whose last operation failed.
        var doubts: [Doubt] = []
    }

    private let state = Mutex(State())

    /// Bytes of all files.
    var bytes: Int { state.withLock { $0.bytes } }
    var count: Int { state.withLock { $0.idle.count + $0.taken } }

    func newNumber() -> Int {
        state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
    }

    /// A file that came into being; idle from now on.
    func add(_ file: KnownFile) {
        state.withLock { state in
            state.idle.append(file)
            state.bytes += file.content.size
        }
    }

    /// Any idle file; the caller gives it back or drops it.
    func take(using random: inout SeededRandom) -> KnownFile? {
        let choice = random.next()
        return state.withLock { state in
            guard !state.idle.isEmpty else { return nil }
            return Self.take(&state, Int(choice % UInt64(state.idle.count)))
        }
    }

    /// This file, if it is idle.
    func take(number: Int) -> KnownFile? {
        state.withLock { state in
            state.idle.firstIndex { $0.number == number }.map { Self.take(&state, $0) }
        }
    }

    private static func take(_ state: inout State, _ index: Int) -> KnownFile {
        state.idle.swapAt(index, state.idle.count - 1)
        let file = state.idle.removeLast()
        state.taken += 1
        state.bytes -= file.content.size
        return file
    }

    func giveBack(_ file: KnownFile) {
        state.withLock { state in
            state.taken -= 1
            state.idle.append(file)
            state.bytes += file.content.size
        }
    }

    /// A taken file that was deleted.
    func drop() {
        state.withLock { $0.taken -= 1 }
    }

    /// So many taken files, or none, are not known any more: what was being done to them was cut off.
    func doubt(_ doubt: Doubt, taken: Int) {
        state.withLock { state in
            state.taken -= taken
            state.doubts.append(doubt)
        }
    }

    /// All files; nobody may have one.
    func all() -> [KnownFile] {
        state.withLock { state in
            precondition(state.taken == 0, "workers have ended")
            return state.idle
        }
    }

    var doubts: [Doubt] { state.withLock { $0.doubts } }
}
