extension GroupNumber {
    public var nameForPeople: String {
        switch self {
        case .coordinator: "coordinator"
        case .registry: "registry"
        default: "shard \(rawValue)"
        }
    }

    /// All of them in one phrase: `shards 0-7, 9, coordinator`.
    public static func names(of groups: Set<GroupNumber>) -> String {
        let numbers = groups.filter { $0 < .coordinator }.map(\.rawValue).sorted()
        var ranges: [ClosedRange<UInt32>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        let words = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        let shards =
            words.isEmpty ? [] : ["\(numbers.count == 1 ? "shard" : "shards") " + words.joined(separator: ", ")]
        return (shards + groups.filter { $0 >= .coordinator }.sorted().map(\.nameForPeople)).joined(separator: ", ")
    }
}
