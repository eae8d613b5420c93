import Consensus

/// Knows everything, and says what must not be. Every check has a name, by which the safety argument refers to it.
final class Judge {
    /// An entry as it first appeared, and what it followed on.
    private struct Known {
        let entry: Entry
        let previous: Position
    }

    private struct TermRecord {
        var leader: Member?
        /// By slot of the voter.
        var votes = [(voter: Member, candidate: Member)]()
    }

    private(set) var finding: String?
    /// By index: what different terms have put there.
    private var known: [[Known]] = []
    /// What is final, in which term it became so, and a number for all up to there.
    private(set) var committed: [Position] = []
    private var committedIn: [Term] = []
    private var digests: [UInt64] = []
    private var terms: [TermRecord] = []

    /// The latest entry whose effect anybody outside has seen, by an answer to a proposal or a read.
    private(set) var observed = LogIndex.zero
    var losses: [Loss] = []

    func find(_ check: String, _ text: @autoclosure () -> String) {
        if finding == nil { finding = "\(check): \(text())" }
    }

    func require(_ condition: Bool, _ check: String, _ text: @autoclosure () -> String) {
        if !condition { find(check, text()) }
    }

    // MARK: What gets written

    /// logMatching: an entry is the same in every log, and so is what it follows on.
    func appended(_ entries: [Entry], after previous: Position?, by node: Member) {
        guard var previous else { return find("logMatching", "\(node) appends to nothing") }
        for entry in entries {
            require(entry.index == previous.index.next, "logMatching", "\(node) leaves a gap before \(entry.position)")
            record(entry, after: previous, by: node)
            previous = entry.position
        }
    }

    private func record(_ entry: Entry, after previous: Position, by node: Member) {
        let place = Int(entry.index.rawValue)
        while known.count <= place { known.append([]) }
        for other in known[place] where other.entry.term == entry.term {
            require(other.entry == entry, "logMatching", "\(node) has another entry at \(entry.position)")
            require(
                other.previous == previous, "logMatching",
                "at \(node) \(entry.position) follows on \(previous), elsewhere on \(other.previous)")
            return
        }
        known[place].append(Known(entry: entry, previous: previous))
    }

    // MARK: Who leads

    /// oneVotePerTerm: nobody ever tells two candidates of one term that it votes for them.
    func voted(_ voter: Member, for candidate: Member, in term: Term) {
        extendTerms(to: term)
        let place = Int(term.rawValue)
        for vote in terms[place].votes where vote.voter == voter {
            require(
                vote.candidate == candidate, "oneVotePerTerm",
                "\(voter) votes for \(vote.candidate) and \(candidate) in \(term)")
            return
        }
        terms[place].votes.append((voter, candidate))
    }

    /// electedByMajority: whoever leads was told votes of a majority, or has its own.
    private func requireVotes(for node: Node, in term: Term) {
        let configuration = node.consensus.configuration
        let votes = terms[Int(term.rawValue)].votes
        let voters = votes.filter { $0.candidate == node.member }.map(\.voter)
        let given = configuration.voters.filter { slot in
            slot == node.slot || voters.contains { $0 == configuration.member(at: slot) }
        }
        require(
            given.count >= configuration.voters.majority, "electedByMajority",
            "\(node.member) leads in \(term) by the votes of \(given)")
    }

    /// oneLeaderPerTerm, and leaderCompleteness: whoever leads has everything that became final in earlier terms.
    func elected(_ node: Node) {
        let term = node.consensus.term
        extendTerms(to: term)
        let leader = terms[Int(term.rawValue)].leader
        if let leader, leader != node.member {
            find("oneLeaderPerTerm", "\(node.member) and \(leader) lead in \(term)")
        }
        terms[Int(term.rawValue)].leader = node.member
        requireVotes(for: node, in: term)
        guard let place = committedIn.lastIndex(where: { $0 < term }) else { return }
        require(
            has(node, committed[place]), "leaderCompleteness",
            "\(node.member) leads in \(term) without \(committed[place])")
    }

    private func has(_ node: Node, _ position: Position) -> Bool {
        guard let mine = node.consensus.position(at: position.index) else {
            return node.consensus.commit >= position.index
        }
        return mine == position
    }

    private func extendTerms(to term: Term) {
        while terms.count <= Int(term.rawValue) { terms.append(TermRecord()) }
    }

    // MARK: What is final

    /// stateMachineSafety: what one replica takes for final is so for all. committedOnMajority: when a leader says
    /// so, the disks of a majority have it. ownTermIsCounted: and it ends with an entry of the leader's term.
    func committed(_ node: Node, from old: LogIndex, among nodes: [Node?]) {
        let commit = node.consensus.commit
        var index = old.next
        while index <= commit {
            judge(index, at: node)
            index = index.next
        }
        guard node.consensus.role == .leader, finding == nil else { return }
        let last = committed[Int(commit.rawValue) - 1]
        require(
            last.term == node.consensus.term, "ownTermIsCounted",
            "\(node.member) counts \(last) in \(node.consensus.term)")
        requireMajority(of: node, has: last, nodes)
    }

    private func judge(_ index: LogIndex, at node: Node) {
        guard let position = node.consensus.position(at: index) else { return }
        let place = Int(index.rawValue) - 1
        if place < committed.count {
            require(
                committed[place] == position, "stateMachineSafety",
                "\(node.member) takes \(position) for final, and \(committed[place]) is")
        } else if place == committed.count {
            committed.append(position)
            committedIn.append(node.consensus.term)
            digests.append(digest(of: position))
        } else {
            find("stateMachineSafety", "\(node.member) takes \(position) for final before \(committed.count + 1) is")
        }
    }

    private func digest(of position: Position) -> UInt64 {
        (digest &* 0x100_0000_01b3) ^ position.term.rawValue
    }

    /// A number for all that is final.
    var digest: UInt64 { digests.last ?? 0 }

    private func requireMajority(of leader: Node, has position: Position, _ nodes: [Node?]) {
        let configuration = leader.consensus.configuration
        var holders = 0
        for slot in configuration.voters {
            guard let voter = configuration.member(at: slot) else { continue }
            if holds(voter, position, nodes) { holders += 1 }
        }
        require(
            holders >= configuration.voters.majority, "committedOnMajority",
            "\(leader.member) takes \(position) for final, \(holders) of \(configuration.voters.count) voters have it"
        )
    }

    /// Whether it has it on disk, or had when it said so.
    private func holds(_ voter: Member, _ position: Position, _ nodes: [Node?]) -> Bool {
        if losses.contains(where: { $0.member == voter && $0.acknowledged >= position.index }) { return true }
        guard let node = nodes[Int(voter.slot.rawValue)], node.member == voter, !node.isWiped else { return false }
        return !node.consensus.isRecovering && node.disk.image.holds(position)
    }

    // MARK: What is seen from outside

    /// A proposal was answered, or a read.
    func answered(_ index: LogIndex) { observed = max(observed, index) }

    /// The last entry known to be final, and its term.
    var lastFinal: LogIndex { committed.last?.index ?? .zero }
    var lastFinalTerm: Term { committed.last?.term ?? .zero }

    /// Whether what stands at `position` is final.
    func isFinal(_ position: Position) -> Bool {
        let place = Int(position.index.rawValue) - 1
        return position.index == .zero || place < committed.count && committed[place] == position
    }
}

/// A voter that has lost something it acknowledged, until the group has answered that.
struct Loss {
    let member: Member
    /// What it had acknowledged before.
    let acknowledged: LogIndex
    /// What was final by then.
    let committed: LogIndex
    /// It knows of it from the start.
    let isKnown: Bool
    /// It has recovered.
    var isAnswered = false
}
