import Consensus
import Protocol

/// A message between two replicas, with the group that both belong to.
public struct GroupMessage: Equatable, Sendable {
    public var group: GroupNumber
    public var message: Message

    public init(group: GroupNumber, message: Message) {
        self.group = group
        self.message = message
    }
}
