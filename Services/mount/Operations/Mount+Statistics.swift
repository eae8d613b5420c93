import Client
import Protocol

extension Mount {
    /// Totals are asked for at most every ten seconds: some programs call statfs for every file.
    private static let totalsNanoseconds: UInt64 = 10_000_000_000

    func statistics() async throws(Errno) -> Answer {
        let now = loop.monotonicNanoseconds
        if let totals, now &- totals.nanoseconds < Self.totalsNanoseconds { return .statistics(totals.answer) }
        let answer = try await posix { () throws(ClientError) in try await client.totals() }
        totals = (answer, now)
        return .statistics(answer)
    }
}
