/// How much of what was not synced is left after a power cut: a kernel may have written any of it before.
package struct Survival: Sendable {
    /// Of each page and name, 0 to 1.
    package let probability: Double

    package init(probability: Double) { self.probability = probability }

    /// Nothing but what was synced.
    package static let none = Survival(probability: 0)

    /// None, some, or most of it.
    package static func any(using random: inout some RandomNumberGenerator) -> Survival {
        Survival(probability: [0, 0.5, 0.9].randomElement(using: &random) ?? 0)
    }

    func decides(_ random: inout some RandomNumberGenerator) -> Bool {
        probability > 0 && Double.random(in: 0..<1, using: &random) < probability
    }

    /// Whether only some sectors of a page made it.
    func tears(_ random: inout some RandomNumberGenerator) -> Bool {
        Double.random(in: 0..<1, using: &random) < 0.25
    }
}

/// What a power cut took.
package struct Losses: Equatable, Sendable {
    /// Names that are as before a creation, renaming or deletion.
    package var names = 0
    package var pages = 0
    /// Files that are not as programs saw them last.
    package var files = 0

    package init() {}
}
