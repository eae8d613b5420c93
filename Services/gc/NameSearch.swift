import Client
import Logging
import Protocol
import Synchronization

/// Finds out the names of files that operators have to hear of. A file does not know its name, so the whole namespace
/// is walked, gently, one walk at a time. Thread-safe.
final class NameSearch: Sendable {
    private static let directoriesAtOnce = 4

    private struct State {
        var wanted: Set<InodeID> = []
        /// Told already.
        var known: Set<InodeID> = []
        var isWalking = false
    }

    private let client: Client
    private let logger: Logger
    private let state = Mutex(State())

    init(client: Client, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Logs the file's name once it is found.
    func look(for file: InodeID) {
        let starts = state.withLock { state in
            guard state.known.insert(file).inserted else { return false }
            state.wanted.insert(file)
            defer { state.isWalking = true }
            return !state.isWalking
        }
        if starts { client.loop.task { await self.walk() } }
    }

    /// Walks until nothing is wanted that was not wanted before the walk began.
    private func walk() async {
        while true {
            let files = state.withLock { state in
                state.isWalking = !state.wanted.isEmpty
                defer { state.wanted = [] }
                return state.wanted
            }
            guard !files.isEmpty else { return }
            let missing = Mutex(files)
            let unread = await client.walk(from: .root, width: Self.directoriesAtOnce) { entry in
                if missing.withLock({ $0.remove(entry.target) }) != nil {
                    let path = String(decoding: entry.path, as: UTF8.self)
                    self.logger.error("scrub: the damaged file \(entry.target) is /\(path)")
                }
                return !missing.withLock(\.isEmpty)
            }
            for file in missing.withLock({ $0 }) {
                guard let first = unread.first else {
                    logger.error(
                        "scrub: the damaged file \(file) has no name now; it may be a deleted one that is kept")
                    continue
                }
                // Asked for again when the next pass finds the damage.
                state.withLock { _ = $0.known.remove(file) }
                logger.error(
                    """
                    scrub: the name of the damaged file \(file) is not known: \(unread.count) directories could not be \
                    read, the first is /\(String(decoding: first.path, as: UTF8.self)): \(first.error)
                    """)
            }
        }
    }
}
