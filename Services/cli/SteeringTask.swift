import Client
import Daemon
import EventLoop
import Glibc
import Protocol

/// Tells the leaders of groups what an operator wants, and waits until it is so.
struct SteeringTask {
    /// Each leader is given so long for its answer, a group for another change that is under way, and for what was begun.
    private static let callNanoseconds: UInt64 = 3_000_000_000
    private static let attempts = 10
    private static let pauseMicroseconds: UInt32 = 300_000
    private static let looks = 50

    let registry: EndpointList
    let key: ClusterKey?
    let steering: Steering
    let replica: ReplicaID
    /// Whether it is so, as a group's leader says.
    let isDone: (ReplicaStatus) -> Bool

    /// What became of it in a group.
    enum Ending: Hashable {
        case done
        case refused(SteeringOutcome)
        case hasNoLeader
        /// It was begun, and is not done yet.
        case underWay
        case failed(String)
    }

    /// Blocks until every group has come to an end.
    func run(_ groups: [GroupNumber]) throws -> [GroupNumber: Ending] {
        let leaders = try ReplicaSurvey.leaders(registry)
        var endings: [GroupNumber: Ending] = [:]
        for group in groups where leaders[group] == nil { endings[group] = .hasNoLeader }
        var open = groups.filter { leaders[$0] != nil }
        for attempt in 1...Self.attempts where !open.isEmpty {
            if attempt > 1 { usleep(Self.pauseMicroseconds) }
            endings.merge(try ask(open)) { _, new in new }
            open = open.filter { endings[$0] == .refused(.later) }
        }
        try wait(for: &endings)
        return endings
    }

    /// Those that have begun are done, or not in time.
    private func wait(for endings: inout [GroupNumber: Ending]) throws {
        for _ in 0..<Self.looks {
            let waiting = endings.filter { $0.value == .underWay }.keys
            guard !waiting.isEmpty else { return }
            usleep(Self.pauseMicroseconds)
            let leaders = try ReplicaSurvey.leaders(registry)
            for group in waiting where leaders[group].map(isDone) ?? false { endings[group] = .done }
        }
    }

    private func ask(_ groups: [GroupNumber]) throws -> [GroupNumber: Ending] {
        var endings: [GroupNumber: Ending] = [:]
        let others = groups.filter { $0 != .registry }
        if !others.isEmpty {
            endings = try ClusterClient(registry, key: key, patienceNanoseconds: Self.callNanoseconds).run {
                [steering, replica] client in
                var endings: [GroupNumber: Ending] = [:]
                for group in others { endings[group] = await Self.ask(client, group, steering, replica) }
                return endings
            }
        }
        guard groups.contains(.registry) else { return endings }
        let outcome = try RegistryClient(registry, key: key).run { [steering, replica] registry in
            try await registry.call(RegistrySteerRequest(steering: steering, replica: replica)).outcome
        }
        endings[.registry] = Self.ending(outcome)
        return endings
    }

    private static func ask(
        _ client: Client, _ group: GroupNumber, _ steering: Steering, _ replica: ReplicaID
    ) async -> Ending {
        do throws(ClientError) {
            if group == .coordinator {
                return ending(try await client.callCDC(CdcSteerRequest(steering: steering, replica: replica)).outcome)
            }
            let request = ShardSteerRequest(steering: steering, replica: replica)
            return ending(
                try await client.call(request, shard: ShardID(rawValue: UInt8(group.rawValue))).outcome)
        } catch {
            return .failed("\(error)")
        }
    }

    private static func ending(_ outcome: SteeringOutcome) -> Ending {
        outcome == .done ? .underWay : .refused(outcome)
    }
}
