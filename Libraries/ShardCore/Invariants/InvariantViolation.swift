import Protocol

/// Something in a shard's state that must never be (metadata.md A.13).
public struct InvariantViolation: Equatable, Sendable, CustomStringConvertible {
    /// S1–S22 of metadata.md, S23–S26 of README.md; D for a record that cannot be decoded; C for something in memory
    /// that differs from what is stored; M for what is remembered of requests, so that late copies do nothing; N for
    /// versions of files and which of them is the newest; A for attributes of inodes.
    public enum Rule: String, Sendable, CaseIterable {
        case s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15, s16, s17, s18, s19, s20, s21, s22
        case s23, s24, s25, s26, d, c, m, n, a

        /// As people write it: `S13`.
        public var name: String { rawValue.uppercased() }
    }

    public var rule: Rule
    /// Which record it is about, such as `file 0x4000000000000100`.
    public var place: String
    /// What was found, for people.
    public var detail: String

    package init(rule: Rule, place: String, detail: String) {
        self.rule = rule
        self.place = place
        self.detail = detail
    }

    /// What helps against it, for people.
    public var repair: String { rule.repair }

    /// Whether the rule may be broken for a while without harm: the collector takes a name's history away piece by
    /// piece (S8, S9).
    public var isTolerated: Bool { rule == .s8 || rule == .s9 }

    public var description: String { "\(rule.name): \(place): \(detail)" }
}
