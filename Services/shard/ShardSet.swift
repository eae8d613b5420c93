import ArgumentParser
import Protocol

/// Which shards a process hosts, as written on the command line: `0-255`, `17`, `0-3,8,12-15`.
struct ShardSet: ExpressibleByArgument {
    /// Ascending, without repetitions, never empty.
    let shards: [ShardID]

    init?(argument: String) {
        var numbers: Set<UInt8> = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = bounds.first.flatMap({ UInt8($0) }), let last = bounds.last.flatMap({ UInt8($0) }),
                first <= last
            else { return nil }
            numbers.formUnion(first...last)
        }
        shards = numbers.sorted().map(ShardID.init(rawValue:))
    }
}
