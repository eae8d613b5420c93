import ReplicatedLog
import Store

/// Where a process keeps the state and the log of its groups: a directory, or a simulated disk.
///
/// The functions block and may be called from any thread, one at a time.
package protocol ReplicaDisk: AnyObject, Sendable {
    /// The state of all groups, without a write-ahead log of its own: what was flushed last.
    var state: any OrderedStore { get }

    /// Opens the log. Called once.
    /// - Parameter mustExist: the state holds entries of it, so that an empty one would be a loss.
    func openLog(mustExist: Bool) throws -> any LogStore

    /// Who writes it. Called once.
    func makeWriter() -> any WriterThread

    /// The log was read: from now on both grow.
    func opened() throws

    /// Makes the state durable; false when there is no room for that.
    func flush() throws -> Bool

    /// The same, and lets go of it; false when it could not be made durable.
    func close() throws -> Bool
}
