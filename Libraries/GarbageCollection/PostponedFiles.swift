import Protocol
import Synchronization

/// Files that could not be destroyed yet and when they are worth another try: every try writes to the shard's log and
/// asks disks, which would be waste while their blocks are too young or a disk is away. Forgetting costs only that.
/// Thread-safe.
final class PostponedFiles: Sendable {
    /// More are not remembered.
    private static let limit = 200_000

    private let pauseNanoseconds: UInt64
    private let notBefore = Mutex<[InodeID: UInt64]>([:])

    init(pauseNanoseconds: UInt64) {
        self.pauseNanoseconds = pauseNanoseconds
    }

    func add(_ file: InodeID, at now: Timestamp) {
        guard pauseNanoseconds > 0 else { return }
        notBefore.withLock { files in
            if files.count >= Self.limit { files = files.filter { $0.value > now.nanoseconds } }
            guard files.count < Self.limit else { return }
            files[file] = now.nanoseconds &+ pauseNanoseconds
        }
    }

    /// Whether the file should be let be; one whose time has come is forgotten.
    func contains(_ file: InodeID, at now: Timestamp) -> Bool {
        notBefore.withLock { files in
            guard let time = files[file] else { return false }
            // A clock that was set back far must not keep files for ever.
            if time > now.nanoseconds && time - now.nanoseconds <= pauseNanoseconds { return true }
            files[file] = nil
            return false
        }
    }
}
