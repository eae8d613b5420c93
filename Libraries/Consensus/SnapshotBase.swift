/// What a state machine's state stands for: everything up to a position, and who belonged to the group there.
public struct SnapshotBase: Hashable, Sendable {
    public var position: Position
    public var configuration: Configuration

    public init(position: Position, configuration: Configuration) {
        self.position = position
        self.configuration = configuration
    }

    /// That of a replica which has nothing, and belongs to nobody until it is told.
    public static let nothing = SnapshotBase(position: .zero, configuration: Configuration())
}
