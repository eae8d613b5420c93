import Mutations

/// A replica that may have forgotten something takes no part: it neither votes nor is counted. It tells a nonce; the
/// leader puts that into the configuration, which becomes final without the replica; when the replica has that on its
/// own disk, it has all that it ever acknowledged, and nobody whom it voted for can be elected without that.
extension Consensus {
    /// Why a replica cannot be put in doubt: there is nobody to answer it.
    public enum DoubtRefusal: Error, Equatable, Sendable {
        case isOnlyVoter
    }

    /// The disk or a peer says that this replica's log may have lost what it has acknowledged.
    ///
    /// - Throws: `isOnlyVoter`; then nothing has happened, and the group must not go on unless somebody says so.
    public mutating func doubt(at now: BootInstant) throws(DoubtRefusal) {
        guard !isOnlyVoter else { throw .isOnlyVoter }
        enterDoubt(at: now)
    }

    mutating func enterDoubt(at now: BootInstant) {
        hardState.doubt = Nonce(rawValue: random.next())
        writeHardState()
        becomeFollower(in: term, of: role == .follower ? leader : nil, at: now)
    }

    /// Ends the doubt when the group's answer to it is final and on this disk.
    mutating func endDoubtIfAnswered() {
        guard let doubt = hardState.doubt else { return }
        if !Mutation.recoveryEndsAtACommit.isPlanted {
            guard let index = configurations.index(of: doubt, at: member.slot), index <= delivered else { return }
        }
        hardState.doubt = nil
        writeHardState()
        effects.append(.recovered)
    }

    /// The leader says that this replica has less than it acknowledged. If that is so it is in doubt; either way the
    /// leader gets to know how it stands.
    mutating func receiveForgot(_ round: UInt64, _ index: LogIndex, from leader: Member, at now: BootInstant) {
        if last.index < index, !isRecovering { enterDoubt(at: now) }
        send(.appended(answer(.conflict(hint: last, last: last.index), round: round)), to: leader, after: writes.last)
    }

    /// Whether an answer is of the peer's present life, and not of one whose end it has forgotten.
    func isOfThisLife(_ answer: AppendAnswer, _ peer: inout Progress) -> Bool {
        if let doubt = answer.doubt {
            if peer.doubt != doubt { peer.begin(in: doubt) }
            return true
        }
        if let round = peer.forgotRound {
            // What it lacked may have come again meanwhile.
            guard case .conflict(_, let last) = answer.outcome, answer.round >= round, last >= peer.match else {
                return false
            }
            peer.forgotRound = nil
        }
        guard peer.doubt != nil else { return true }
        guard answer.round > peer.doubtRound else { return false }
        // It says that its doubt has been answered.
        peer.doubt = nil
        return true
    }

    /// The peer has less than it acknowledged to this leader.
    mutating func noticeForgetting(of slot: ReplicaSlot, at now: BootInstant) {
        guard let peer = progress[slot.place], peer.forgotRound == nil else { return }
        progress[slot.place]?.forgotRound = peer.round &+ 1
        tellForgotten(slot, at: now)
    }

    mutating func tellForgotten(_ slot: ReplicaSlot, at now: BootInstant) {
        guard var peer = progress[slot.place] else { return }
        peer.sentAt = now
        peer.round &+= 1
        progress[slot.place] = peer
        send(.forgot(round: peer.round, acknowledged: peer.match), to: peer.member)
    }

    /// Answers the doubts of peers, one after the other.
    mutating func markRecoveries(at now: BootInstant) {
        for peer in progress {
            guard let peer, let doubt = peer.doubt, mayChangeConfiguration else { continue }
            guard configurations.index(of: doubt, at: peer.member.slot) == nil else { continue }
            var marked = configuration
            marked[peer.member.slot]?.nonce = doubt
            appendConfiguration(marked, at: now)
        }
    }
}

extension Progress {
    /// The peer is in doubt: what it acknowledged before is worth nothing.
    fileprivate mutating func begin(in doubt: Nonce) {
        self.doubt = doubt
        doubtRound = round
        forgotRound = nil
        match = .zero
        commit = .zero
        settledRound = 0
        isWaiting = false
        if mode != .supplying { mode = .probing }
    }
}
