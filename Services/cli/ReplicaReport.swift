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
        let wished = groups.count { Self.leader($0.answers).map { $0.wished != .nobody } ?? false }
        let wishes = wished == 0 ? [] : ["\(wished) have a leader that an operator has chosen (sterna leader move)"]
        let lines = groups.compactMap { line(of: $0.group, $0.answers, all: all) }
        return (["\(led) of \(groups.count) groups are led"] + wishes + slots.map(summary) + lines).joined(
            separator: "\n")
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
        var words = [group.nameForPeople]
        if let leader = Self.leader(answers) {
            words.append(
                "led by slot \(leader.replica.rawValue) in \(leader.term), \(leader.committed.rawValue) entries")
            if leader.wished != .nobody {
                words.append("slot \(leader.wished.rawValue) should lead, as an operator wants")
            }
            words += leader.members.filter { $0.replica != leader.replica }.map { Self.words($0, leader) }
        }
        if let trouble { words.append(trouble) }
        return words.joined(separator: "; ")
    }

    private static func words(_ member: ReplicaView, _ leader: ReplicaStatus) -> String {
        let lag = leader.last.rawValue - min(member.matched.rawValue, leader.last.rawValue)
        let state =
            !member.isHeard
            ? "is away" : member.fetchesState ? "fetches the state" : lag == 0 ? "has all" : "lacks \(lag) entries"
        return "slot \(member.replica.rawValue) \(state)\(member.isVoter ? "" : " and does not vote yet")"
    }

    /// Who leads in the latest term that anybody knows of.
    static func leader(_ answers: [ReplicaSurvey.Answer]) -> ReplicaStatus? {
        answers.compactMap(\.status).filter(\.leads).max { $0.term < $1.term }
    }

    /// Nil: all is well.
    private static func trouble(_ answers: [ReplicaSurvey.Answer]) -> String? {
        switch leader(answers).map(\.trouble) {
        case nil: "HAS NO LEADER"
        case .isFragile?: "ONE MORE FAILURE STOPS IT"
        case .isIncomplete?: "is not complete"
        default: nil
        }
    }
}
