import EventLoop
import Protocol

/// Something with an address. Of what may have several replicas the last number is the slot of one.
enum Endpoint: Hashable, CustomStringConvertible {
    case client(Int)
    case shard(ShardID, Int)
    /// The coordinator, as its clients know it.
    case coordinator(Int)
    /// The socket from which the coordinator talks to shards.
    case coordinatorBack(Int)
    case registry(Int)
    case blockServer(Int)
    /// A process with replicas, for its peers.
    case peer(MachineID)
    /// A process that asks the registry.
    case registryUser(MachineID)

    var description: String {
        switch self {
        case .client(let number): "client \(number)"
        case .shard(let shard, let slot): "shard \(shard)\(MachineID.text(slot))"
        case .coordinator(let slot), .coordinatorBack(let slot): "cdc\(MachineID.text(slot))"
        case .registry(let slot): "registry\(MachineID.text(slot))"
        case .blockServer(let number): "blocks \(number)"
        case .peer(let machine), .registryUser(let machine): "\(machine)"
        }
    }
}

extension Endpoint {
    private static let firstClient: UInt32 = 0x0a01_0000
    private static let coordinatorHost: UInt32 = 0x0a02_0000
    private static let noHost: UInt32 = 0x0a03_0000

    /// Where those who ask services listen; nil for all others.
    var socketAddress: SocketAddress? {
        switch self {
        case .client(let number): SocketAddress(address: Self.firstClient + UInt32(number), port: 1)
        case .coordinatorBack(let slot): SocketAddress(address: Self.coordinatorHost + UInt32(slot), port: 1)
        default: nil
        }
    }

    init?(_ address: SocketAddress) {
        switch address.address {
        case Self.firstClient..<Self.coordinatorHost: self = .client(Int(address.address - Self.firstClient))
        case Self.coordinatorHost..<Self.noHost: self = .coordinatorBack(Int(address.address - Self.coordinatorHost))
        default: return nil
        }
    }
}

/// What crashes as one, has one clock, and is cut off from the others as one. Of what may have several replicas the last
/// number is the slot of one.
enum MachineID: Hashable, CustomStringConvertible {
    case client(Int)
    case shards(Int, Int)
    case coordinator(Int)
    case registry(Int)
    case blocks(Int)
    case replica(Int)

    var description: String {
        switch self {
        case .replica(let number): "replica \(number)"
        case .client(let number): "client \(number)"
        case .shards(let number, let slot): "shards' machine \(number)\(Self.text(slot))"
        case .coordinator(let slot): "cdc\(Self.text(slot))"
        case .registry(let slot): "registry\(Self.text(slot))"
        case .blocks(let number): "blocks \(number)"
        }
    }

    fileprivate static func text(_ slot: Int) -> String { slot == 0 ? "" : "'\(slot)" }

    /// Who has another replica of the same groups.
    func replica(in slot: Int) -> MachineID {
        switch self {
        case .shards(let number, _): .shards(number, slot)
        case .coordinator: .coordinator(slot)
        case .registry: .registry(slot)
        case .replica: .replica(slot)
        case .client, .blocks: self
        }
    }
}
