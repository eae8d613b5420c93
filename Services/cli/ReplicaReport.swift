import Protocol

/// What replicas have said of themselves, for people.
struct ReplicaReport {
    private let groups: [(group: GroupNumber, answers: [ReplicaSurvey.Answer])]

    init(_ answers: [ReplicaSurvey.Answer]) {
        let known = Dictionary(grouping: answers, by: \.group)
        groups = (ShardID.all.map { GroupNumber($0) } + [.coordinator, .registry]).map { group in
            (group, (known[group] ?? []).sorted { $0.replica.rawValue < $1.replica.rawValue })
        }
    }

    /// Every group is led, and goes on without any one of its replicas unless it never had another.
    var isHealthy: Bool { groups.allSatisfy { Self.trouble($0.answers) == nil } }

    func text(all: Bool) -> String {
        let slots = Set(groups.flatMap { $0.answers.map(\.replica.rawValue) }).sorted()
        let led = groups.count { Self.leader($0.answers) != nil }
        let lines = groups.compactMap { line(of: $0.group, $0.answers, all: all) }
        return (["\(led) of \(groups.count) groups are led"] + slots.map(summary) + lines).joined(separator: "\n")
    }

    /// One line about the replicas in a slot.
    private func summary(_ slot: UInt8) -> String {
        let answers = groups.flatMap { $0.answers.filter { $0.replica.rawValue == slot } }
        let statuses = answers.compactMap(\.status)
        let silent = answers.count - statuses.count
        return "slot \(slot)  leads \(statuses.count { $0.leads }), follows \(statuses.count { !$0.leads })"
            + (silent > 0 ? ", \(silent) do not answer" : "")
    }

    private func line(of group: GroupNumber, _ answers: [ReplicaSurvey.Answer], all: Bool) -> String? {
        let trouble = Self.trouble(answers)
        guard all || trouble != nil else { return nil }
        var words = [Self.name(of: group)]
        if let leader = Self.leader(answers) {
            words.append(
                "led by slot \(leader.replica.rawValue) in \(leader.term), \(leader.committed.rawValue) entries")
            words += leader.members.filter { $0.replica != leader.replica }.map { Self.words($0, leader) }
        }
        if let trouble { words.append(trouble) }
        return words.joined(separator: "; ")
    }

    private static func name(of group: GroupNumber) -> String {
        switch group {
        case .coordinator: "coordinator"
        case .registry: "registry"
        default: "shard \(group.rawValue)"
        }
    }

    private static func words(_ member: ReplicaView, _ leader: ReplicaStatus) -> String {
        let lag = leader.last.rawValue - min(member.matched.rawValue, leader.last.rawValue)
        let state =
            !member.isHeard
            ? "is away" : member.fetchesState ? "fetches the state" : lag == 0 ? "has all" : "lacks \(lag) entries"
        return "slot \(member.replica.rawValue) \(state)\(member.isVoter ? "" : " and does not vote yet")"
    }

    /// Who leads in the latest term that anybody knows of.
    private static func leader(_ answers: [ReplicaSurvey.Answer]) -> ReplicaStatus? {
        answers.compactMap(\.status).filter(\.leads).max { $0.term < $1.term }
    }

    /// Nil: all is well.
    private static func trouble(_ answers: [ReplicaSurvey.Answer]) -> String? {
        guard let leader = leader(answers) else { return "HAS NO LEADER" }
        let voters = leader.members.filter(\.isVoter)
        let (present, majority) = (voters.count { $0.isHeard }, voters.count / 2 + 1)
        if voters.count == 1 { return leader.members.count == 1 ? nil : "has one voter" }
        if present <= majority, voters.count > present || voters.count % 2 == 0 { return "ONE MORE FAILURE STOPS IT" }
        return voters.count == leader.members.count && present == voters.count ? nil : "is not complete"
    }
}
