import Protocol
import RegistryCore

/// Finds out which block services hold blocks of files, by asking shards (services.md A.10). It asks as few as it can:
/// the shard that said yes last, then the others by chance until one says yes.
package struct HasFilesSurvey: Sendable {
    /// After so many shards without an answer the others are spared: "no" could not be said any more.
    private static let silenceLimit = 4
    /// A decommissioned disk that is empty stays so; it is looked at again only so often.
    private static let settledNanoseconds: UInt64 = 3600 * 1_000_000_000

    private var hints: [BlockServiceID: ShardID] = [:]
    private var settledUntil: [BlockServiceID: UInt64] = [:]

    package init() {}

    /// Whether any shard knows a file with a block there; nil when too few shards answered to tell, or when it need not
    /// be asked now.
    /// - Parameter ask: what one shard says; nil when it does not answer.
    package mutating func hasFiles(
        _ service: BlockServiceDeprecatedInfo, now: UInt64, ask: (BlockServiceID, ShardID) async -> Bool?
    ) async -> Bool? {
        if let end = settledUntil[service.id], now < end, !service.hasFiles { return nil }
        settledUntil[service.id] = nil
        var silent = 0
        for shard in order(service.id) {
            guard !Task.isCancelled else { return nil }
            switch await ask(service.id, shard) {
            case true?:
                hints[service.id] = shard
                return true
            case false?: break
            case nil:
                silent += 1
                if silent >= Self.silenceLimit { return nil }
            }
        }
        guard silent == 0 else { return nil }
        hints[service.id] = nil
        if service.flags.contains(.decommissioned) { settledUntil[service.id] = now &+ Self.settledNanoseconds }
        return false
    }

    private func order(_ service: BlockServiceID) -> [ShardID] {
        let hint = hints[service]
        let others = (0..<ShardID.count).map { ShardID(rawValue: UInt8($0)) }.filter { $0 != hint }.shuffled()
        return (hint.map { [$0] } ?? []) + others
    }
}
