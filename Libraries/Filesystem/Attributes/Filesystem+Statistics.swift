import Client
import Protocol

extension Filesystem {
    /// Totals are asked for at most every ten seconds: some programs call statfs for every file.
    private static let totalsNanoseconds: UInt64 = 10_000_000_000

    /// Totals of the cluster.
    public func statistics() async throws(FilesystemError) -> InfoResponse {
        let now = loop.monotonicNanoseconds
        if let totals, now &- totals.nanoseconds < Self.totalsNanoseconds { return totals.answer }
        let answer = try await posix { () throws(ClientError) in try await client.totals() }
        totals = (answer, now)
        return answer
    }
}
