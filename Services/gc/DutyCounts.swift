/// What a duty saw and did: numbers under their metric names. They add up.
struct DutyCounts: Sendable, CustomStringConvertible {
    /// In the order in which they are to be shown.
    private var names: [String] = []
    private(set) var values: [String: Int] = [:]
    /// Things left to a later round because of an error.
    private(set) var failures = 0

    init() {}

    init(_ counts: [(name: String, value: Int)], failures: Int) {
        names = counts.map(\.name)
        values = Dictionary(counts.map { ($0.name, $0.value) }, uniquingKeysWith: +)
        self.failures = failures
    }

    static func += (left: inout DutyCounts, right: DutyCounts) {
        if left.names.isEmpty { left.names = right.names }
        left.values.merge(right.values, uniquingKeysWith: +)
        left.failures += right.failures
    }

    /// Only what is not zero.
    var description: String {
        let seen = names.compactMap { name in
            values[name].flatMap { $0 == 0 ? nil : "\(name)=\($0)" }
        }
        return seen.isEmpty ? "nothing" : seen.joined(separator: " ")
    }
}
