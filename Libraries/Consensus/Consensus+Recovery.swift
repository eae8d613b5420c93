import Mutations

/// A replica that may have forgotten something takes no part: it neither votes nor is counted. It tells a nonce; the
/// leader puts that into the configuration, which becomes final without the replica; when the replica has that on its own
/// disk, it has all that it ever acknowledged, and nobody whom it voted for can be elected without that.
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

    /// Whether an answer is of the peer's present life, and not of one whose end it has forgotten.
    func isOfThisLife(_ answer: AppendAnswer, _ peer: inout Progress) -> Bool {
        if let doubt = answer.doubt {
            if peer.doubt != doubt {
                // What it acknowledged before is worth nothing.
                peer.doubt = doubt
                peer.doubtRound = peer.round
                peer.hasForgotten = false
                peer.match = .zero
                peer.commit = .zero
                peer.settledRound = 0
                peer.isWaiting = false
                if peer.mode == .streaming { peer.mode = .probing }
            }
            return true
        }
        if peer.hasForgotten { return false }
        guard answer.round > peer.doubtRound else { return false }
        // It says that its doubt has been answered.
        peer.doubt = nil
        return true
    }

    /// The peer has less than it acknowledged to this leader.
    mutating func noticeForgetting(of slot: ReplicaSlot, at now: BootInstant) {
        guard let peer = progress[slot.place] else { return }
        progress[slot.place]?.hasForgotten = true
        send(.forgot, to: peer.member)
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
