import Protocol

/// Something in a shard's state that must never be (metadata.md A.13).
public struct InvariantViolation: Equatable, Sendable, CustomStringConvertible {
    /// S1–S22 of metadata.md; C for a cached record that differs from the stored one.
    public enum Rule: String, Sendable {
        case s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15, s16, s17, s18, s19, s20, s21, s22, c
    }

    public var rule: Rule
    /// What was found, for people.
    public var detail: String

    public var description: String { "\(rule.rawValue.uppercased()): \(detail)" }
}
