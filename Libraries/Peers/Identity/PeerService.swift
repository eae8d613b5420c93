/// What a process serves. Only processes of one kind have groups in common.
public enum PeerService: UInt8, Sendable {
    case registry = 1
    case coordinator = 2
    case shards = 3
}
