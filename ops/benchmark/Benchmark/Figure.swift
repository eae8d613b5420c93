/// One measured figure beside its ceiling, measured in the same run on the same machine.
struct Figure {
    let name: String
    let unit: String
    let value: Double
    /// What the machine can do at best, and who did it.
    let ceiling: Double?
    let ceilingName: String?
    /// Smaller is better (times); otherwise larger is (rates).
    let smallerIsBetter: Bool
    /// The ratio to reach.
    let wanted: Double?

    init(
        _ name: String, _ unit: String, _ value: Double, ceiling: Double? = nil, by ceilingName: String? = nil,
        wanted: Double? = nil, smallerIsBetter: Bool = false
    ) {
        self.name = name
        self.unit = unit
        self.value = value
        self.ceiling = ceiling
        self.ceilingName = ceilingName
        self.smallerIsBetter = smallerIsBetter
        self.wanted = wanted
    }

    /// Rates: measured over ceiling. Times: measured over ceiling too, so that 2 means twice as long.
    var ratio: Double? { ceiling.flatMap { $0 > 0 ? value / $0 : nil } }

    var reached: Bool? {
        guard let wanted, let ratio else { return nil }
        return smallerIsBetter ? ratio <= wanted : ratio >= wanted
    }
}
