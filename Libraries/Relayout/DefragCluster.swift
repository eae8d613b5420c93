import Client
import Protocol

/// What defragmentation asks of a cluster.
public protocol DefragCluster: ShardCalls {
    /// The policies in force for new files of a directory.
    func policies(of directory: InodeID) async throws(ClientError) -> WritePolicies
    /// Stores a span anew as the policies want it, and lets the two versions change places; nil when it turns out that
    /// it is as they want it already.
    func rewrite(
        _ span: FetchedSpan, of file: InodeID, _ policies: WritePolicies
    ) async throws(ClientError) -> SpanLayout?
}
