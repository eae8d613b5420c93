import Wire

/// The state of a block service (wire-protocol.md 8).
@frozen
public struct BlockServiceFlags: OptionSet, RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Has not been heard of for a while.
    public static let stale = BlockServiceFlags(rawValue: 1)
    public static let noRead = BlockServiceFlags(rawValue: 2)
    public static let noWrite = BlockServiceFlags(rawValue: 4)
    /// Gone for good.
    public static let decommissioned = BlockServiceFlags(rawValue: 8)

    @inlinable public var isReadable: Bool { isDisjoint(with: [.stale, .noRead, .decommissioned]) }
    @inlinable public var isWritable: Bool { isDisjoint(with: [.stale, .noWrite, .decommissioned]) }

    /// The names of the flags set, as in `STALE|NO_WRITE`; `0` without any.
    public var description: String {
        let names = [
            (Self.stale, "STALE"), (.noRead, "NO_READ"), (.noWrite, "NO_WRITE"), (.decommissioned, "DECOMMISSIONED"),
        ]
        let set = names.filter { contains($0.0) }.map(\.1)
        return set.isEmpty ? "0" : set.joined(separator: "|")
    }
}
