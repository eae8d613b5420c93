import Chance
import Protocol

/// The services of one location and storage class while they are dealt out to the shards.
struct AssignmentGroup {
    /// One failure domain: its services, most available bytes first, dealt out in rounds.
    private struct Domain {
        var services: [FullBlockServiceInfo]
        var cursor = 0

        var completedCycles: Int { cursor / services.count }
        var next: FullBlockServiceInfo { services[cursor % services.count] }
    }

    /// A domain's place in the queue: fewest completed cycles first, then most available bytes, then chance.
    private struct Turn {
        var completedCycles: Int
        var availableBytes: UInt64
        var lot: UInt64
        var domain: Int

        static func precedes(_ left: Turn, _ right: Turn) -> Bool {
            if left.completedCycles != right.completedCycles { return left.completedCycles < right.completedCycles }
            if left.availableBytes != right.availableBytes { return left.availableBytes > right.availableBytes }
            return (left.lot, left.domain) < (right.lot, right.domain)
        }
    }

    private var domains: [Domain]

    init(services: [FullBlockServiceInfo]) {
        let byDomain = Dictionary(grouping: services, by: \.failureDomain)
        domains = byDomain.values.map { members in
            Domain(
                services: members.sorted { ($1.availableBytes, $0.id.rawValue) < ($0.availableBytes, $1.id.rawValue) })
        }
        // Dictionaries have no order of their own; the result must not depend on it.
        domains.sort { $0.services[0].id.rawValue < $1.services[0].id.rawValue }
    }

    /// Deals `min(perShard, domains)` services to each of the 256 shards, never two of one domain to the same shard.
    mutating func assign(perShard: Int, random: inout SplitMix) -> [[BlockServiceInfoShort]] {
        var lists = [[BlockServiceInfoShort]](repeating: [], count: RegistryLimits.shards)
        var taken = [Bool](repeating: false, count: RegistryLimits.shards * domains.count)
        var queue = BinaryHeap<Turn>(precedes: Turn.precedes)
        for index in domains.indices { queue.push(turn(of: index, random: &random)) }
        for _ in 0..<min(perShard, domains.count) {
            for shard in lists.indices {
                var skipped: [Turn] = []
                while let best = queue.pop() {
                    if taken[shard * domains.count + best.domain] {
                        skipped.append(best)
                        continue
                    }
                    taken[shard * domains.count + best.domain] = true
                    lists[shard].append(BlockServiceInfoShort(domains[best.domain].next))
                    domains[best.domain].cursor += 1
                    queue.push(turn(of: best.domain, random: &random))
                    break
                }
                for turn in skipped { queue.push(turn) }
            }
        }
        return lists
    }

    private func turn(of index: Int, random: inout SplitMix) -> Turn {
        let domain = domains[index]
        return Turn(
            completedCycles: domain.completedCycles, availableBytes: domain.next.availableBytes,
            lot: random.next(), domain: index)
    }
}

extension BlockServiceInfoShort {
    /// The part of a row that a shard needs to know.
    init(_ row: FullBlockServiceInfo) {
        self.init(
            locationId: row.locationId, failureDomain: row.failureDomain, id: row.id, storageClass: row.storageClass)
    }
}
