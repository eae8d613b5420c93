import Consensus
import Protocol

/// A log on disk that is only looked at: nothing is created, written or synced, not even a torn last record removed.
/// The log's lock is held while this lives, so that no service starts on it.
public final class SegmentedLogReader: LogSource {
    private let disk: any LogDisk
    private let reading: LogReading
    /// Who answers for what is in it.
    public let incarnation: Incarnation
    /// What of the log is not as it was written, sentences for people.
    public let notices: [String]

    /// Opens the log in `directory`.
    ///
    /// - Throws: `LogError.missing` when there is none, `.locked` while a service has it open, `.corruption` when a
    ///   record is missing that is still needed, `.inDoubt` when one may be.
    public init(directory path: String) throws(LogError) {
        disk = try LogDirectory(path: path, isReadOnly: true)
        let identity = try LogIdentity.open(disk, mustExist: true)
        incarnation = identity.incarnation
        let recovered = try LogRecovery.run(disk, identity)
        reading = recovered.reading
        notices = recovered.notices
    }

    /// Bytes that the retained entries take on disk.
    public var retainedBytes: Int { reading.live.reduce(0) { $0 + $1.end } }

    public var contents: [LogGroupID: LogContents] { reading.groups }

    public func replay(_ body: (LogGroupID, StoredEntry) throws -> Void) throws {
        try reading.replay(body)
    }
}
