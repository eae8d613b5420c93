import Protocol
import Synchronization

/// Files that could not be destroyed yet and when they are worth another try: every try writes to the shard's log and
/// asks disks, which would be waste while their blocks are too young or a disk is away. Forgetting costs only that.
/// Thread-safe.
final class PostponedFiles: Sendable {
    /// More are not remembered.
    private static let limit = 200_000

    private struct Pause {
        let end: UInt64
        /// The disk that is away.
        let awaited: BlockServiceID?
    }

    private let pauseNanoseconds: UInt64
    private let pauses = Mutex<[InodeID: Pause]>([:])

    init(pauseNanoseconds: UInt64) {
        self.pauseNanoseconds = pauseNanoseconds
    }

    /// - Parameter awaited: the disk that has to come back first, if that is why.
    func add(_ file: InodeID, at now: Timestamp, awaiting awaited: BlockServiceID? = nil) {
        guard pauseNanoseconds > 0 else { return }
        pauses.withLock { files in
            if files.count >= Self.limit { files = files.filter { $0.value.end > now.nanoseconds } }
            guard files.count < Self.limit else { return }
            files[file] = Pause(end: now.nanoseconds &+ pauseNanoseconds, awaited: awaited)
        }
    }

    /// The disk that the file waits for, if it does.
    func awaited(by file: InodeID) -> BlockServiceID? {
        pauses.withLock { $0[file]?.awaited }
    }

    /// The file is worth a try now.
    func remove(_ file: InodeID) {
        pauses.withLock { $0[file] = nil }
    }

    /// Whether the file should be let be; one whose time has come is forgotten.
    func contains(_ file: InodeID, at now: Timestamp) -> Bool {
        pauses.withLock { files in
            guard let time = files[file]?.end else { return false }
            // A clock that was set back far must not keep files for ever.
            if time > now.nanoseconds && time - now.nanoseconds <= pauseNanoseconds { return true }
            files[file] = nil
            return false
        }
    }
}
