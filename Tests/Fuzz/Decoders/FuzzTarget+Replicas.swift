import Consensus
import Protocol

extension FuzzTarget {
    /// What processes with replicas of the same groups tell each other, and what replicas keep.
    func replicas(_ selector: UInt8, _ bytes: UnsafeRawBufferPointer) -> String? {
        switch selector % 15 {
        case 0: value(MessagesFrame.self, bytes)
        case 1: value(Heartbeat.self, bytes)
        case 2: value(HeartbeatAnswer.self, bytes)
        case 3: value(PeerHello.self, bytes)
        case 4: value(PeerAnswer.self, bytes)
        case 5: value(PeerProof.self, bytes)
        case 6: record(HardState.self, bytes)
        case 7: record(Configuration.self, bytes)
        case 8: value(SnapshotRequest.self, bytes)
        case 9: value(SnapshotPart.self, bytes)
        case 10: value(RelayedRequest.self, bytes)
        case 11: value(RelayedAnswer.self, bytes)
        case 12: value(RelayedCall.self, bytes)
        case 13: value(RelayedReply.self, bytes)
        default: record(SnapshotBase.self, bytes)
        }
    }

    private func record<Value: ReplicaRecord & Equatable>(
        _ type: Value.Type, _ bytes: UnsafeRawBufferPointer
    ) -> String? {
        round(bytes, { try? Value(record: $0) }, { try? $0.record() })
    }
}
