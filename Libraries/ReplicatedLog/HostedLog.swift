import Mutations
import Protocol

/// One log group of a service, on the loop of its lane. Not thread-safe.
public final class HostedLog {
    /// Called for each entry once it is final, in index order, each once.
    public var onDelivery: ((LogEntry) -> Void)?
    /// Called once when the log has failed or was closed: nothing that is in flight will be delivered.
    public var onStop: ((LogError) -> Void)?

    private var group: LogGroup
    private let lane: LogLane

    init(_ group: LogGroup, lane: LogLane) {
        self.group = group
        self.lane = lane
    }

    public var id: LogGroupID { group.id }
    /// The index that the next accepted proposal gets.
    public var nextIndex: LogIndex { group.nextIndex }
    public var deliveredIndex: LogIndex { group.deliveredIndex }
    public var inFlightCount: Int { group.inFlightCount }
    public var role: LogGroup.Role { group.role }

    /// Puts `bytes` into the log. `onDelivery` is called, never from within this call, when the entry is final; after a
    /// refusal or a stop nothing is promised.
    public func propose(_ bytes: [UInt8]) throws(ProposalRefusal) -> LogIndex {
        guard lane.hasRoom else {
            if Mutation.refusalsTakeRoom.isPlanted { lane.delivered(byteCount: -bytes.count) }
            throw .windowFull
        }
        let index = try group.propose(bytes)
        let id = group.id
        group.takeAppends { lane.gather($0, of: id) }
        return Mutation.wrongIndexIsTold.isPlanted ? group.nextIndex : index
    }

    func persisted(through index: LogIndex) {
        group.persisted(through: index)
        while let entry = group.takeCommitted() {
            lane.delivered(byteCount: entry.bytes.count)
            onDelivery?(entry)
        }
    }

    func stop(_ error: LogError) {
        guard group.role == .leader else { return }
        group.stop(error)
        onStop?(error)
    }
}
