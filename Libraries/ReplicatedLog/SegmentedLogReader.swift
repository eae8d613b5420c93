import Protocol

/// A log on disk that is only looked at: nothing is created, written or synced, not even a torn last record removed.
/// The log's lock is held while this lives, so that no service starts on it.
public final class SegmentedLogReader: LogSource {
    private let directory: LogDirectory
    private let live: [SegmentedLogStore.Segment]

    /// Opens the log in `directory`.
    ///
    /// - Throws: `LogError.missing` when there is none, `.locked` while a service has it open, `.corruption` when a
    ///   record is missing that is still needed.
    public init(directory path: String) throws(LogError) {
        directory = try LogDirectory(path: path, isReadOnly: true)
        let identity = try directory.identity(mustExist: true)
        live = try LogRecovery.run(directory, identity: identity, isReadOnly: true).live
    }

    /// Bytes that the retained entries take on disk.
    public var retainedBytes: Int { live.reduce(0) { $0 + $1.end } }

    public func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws {
        for segment in live { try segment.replay(body) }
    }
}
