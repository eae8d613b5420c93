/// One entry of a group's log.
public struct Entry: Equatable, Sendable {
    public enum Content: Equatable, Sendable {
        /// What a leader begins its term with.
        case beginning
        /// What was proposed, for the state machine.
        case command([UInt8])
        /// Who belongs to the group, from this entry on.
        case configuration(Configuration)
    }

    public let position: Position
    public let content: Content

    public init(position: Position, content: Content) {
        self.position = position
        self.content = content
    }

    public var index: LogIndex { position.index }
    public var term: Term { position.term }

    /// What it counts for in windows: its command and what surrounds it.
    public var byteCount: Int {
        if case .command(let bytes) = content { return bytes.count + Self.overhead }
        return Self.overhead
    }

    private static let overhead = 32
}
