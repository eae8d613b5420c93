import Protocol

/// One entry of a group's log, as it was proposed.
public struct LogEntry: Equatable, Sendable {
    public let index: LogIndex
    public let bytes: [UInt8]

    public init(index: LogIndex, bytes: [UInt8]) {
        self.index = index
        self.bytes = bytes
    }
}
