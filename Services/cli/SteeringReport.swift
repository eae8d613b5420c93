import Protocol

/// What became of an operator's wish, for people: a line for all groups where it is the same.
struct SteeringReport {
    let endings: [GroupNumber: SteeringTask.Ending]
    let replica: ReplicaID
    /// What is the case where it is done, and where it is not yet.
    let done: String
    let underWay: String

    var isDone: Bool { endings.values.allSatisfy { $0 == .done } }

    var text: String {
        Dictionary(grouping: endings.keys) { endings[$0] ?? .hasNoLeader }.map { ending, groups in
            "\(GroupNumber.names(of: Set(groups))): \(words(ending))"
        }.sorted().joined(separator: "\n")
    }

    private func words(_ ending: SteeringTask.Ending) -> String {
        switch ending {
        case .done: done
        case .underWay: underWay
        case .hasNoLeader: "nobody leads, so nothing can be changed (ops/README.md, lost quorum)"
        case .failed(let error): error
        case .refused(let outcome): words(outcome)
        }
    }

    private func words(_ outcome: SteeringOutcome) -> String {
        let slot = "the replica in slot \(replica.rawValue)"
        return switch outcome {
        case .later: "another change is under way; try again"
        case .notAMember: "there is no replica in slot \(replica.rawValue)"
        case .notAVoter: "\(slot) does not vote yet, as it is still receiving what is there"
        case .isAway: "\(slot) does not answer the leader"
        case .isBehind: "\(slot) lacks too much to lead yet"
        case .isPresent: "\(slot) is there; stop its process first, else it would be taken in again"
        case .tooFewAreLeft: "without \(slot) too few would be left that can decide anything"
        default: "refused for a reason that this program does not know (\(outcome.rawValue))"
        }
    }
}
