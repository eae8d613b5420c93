import Mutations

/// A change of who belongs to a group, one replica at a time.
public enum MembershipChange: Hashable, Sendable {
    /// A replica that receives from now on, in a free slot.
    case add(Member)
    /// A learner that is counted from now on.
    case promote(Member)
    /// A replica that no longer belongs to the group.
    case remove(Member)
    /// A voter that should lead whenever it can; nil: whoever does. Nobody comes or goes.
    case wish(ReplicaSlot?)
}

/// Why a change was not begun. Nothing has happened.
public enum MembershipRefusal: Error, Equatable, Sendable {
    case notLeader
    /// This term's first entry or the change before is not final yet: later it may be.
    case notYet
    case slotIsTaken
    case notAMember
    case notALearner
    /// It lacks too much, is not heard of, or is in doubt: later it may be promoted.
    case isBehind
    /// A leader does not remove itself; it hands over first.
    case isLeader
    /// What it has belongs to a history that was given up.
    case isExpelled
}

extension Consensus {
    /// Begins a change; it is in force at once, and done when its entry is final.
    ///
    /// - Returns: where the entry is.
    public mutating func change(_ change: MembershipChange, at now: BootInstant) throws(MembershipRefusal) -> LogIndex {
        guard role == .leader else { throw .notLeader }
        guard mayChangeConfiguration else { throw .notYet }
        appendConfiguration(try changed(change, at: now), at: now)
        return last.index
    }

    /// Two changes must not be under way at once: their majorities could miss each other. And before the term's first
    /// entry is final, this leader does not know whether one of an earlier leader is.
    var mayChangeConfiguration: Bool {
        guard role == .leader, transfer == nil else { return false }
        return (commit >= termStart || Mutation.changesPrecedeTheTermsEntry.isPlanted)
            && (commit >= configurationIndex || Mutation.changesOverlap.isPlanted)
    }

    private func changed(_ change: MembershipChange, at now: BootInstant) throws(MembershipRefusal) -> Configuration {
        var changed = configuration
        switch change {
        case .add(let new):
            guard changed[new.slot] == nil else { throw .slotIsTaken }
            guard !changed.expelled.contains(new.incarnation) || Mutation.expelledReturn.isPlanted else {
                throw .isExpelled
            }
            changed[new.slot] = Configuration.Seat(incarnation: new.incarnation, isVoter: false)
        case .promote(let learner):
            guard changed.contains(learner) else { throw .notAMember }
            guard changed.learners.contains(learner.slot) else { throw .notALearner }
            guard isCloseBehind(learner, at: now) else { throw .isBehind }
            changed[learner.slot]?.isVoter = true
        case .remove(let old):
            guard changed.contains(old) else { throw .notAMember }
            guard old != member else { throw .isLeader }
            changed[old.slot] = nil
            if changed.wished == old.slot { changed.wished = nil }
        case .wish(let slot):
            guard slot.map(changed.voters.contains) ?? true else { throw .notAMember }
            changed.wished = slot
        }
        return changed
    }

    private func isCloseBehind(_ learner: Member, at now: BootInstant) -> Bool {
        guard let peer = progress[learner.slot.place], peer.isCounted else { return false }
        // It knows by its own log that it belongs to the group: otherwise it would not vote.
        guard peer.match >= configurationIndex, now < peer.heardAt + settings.promise else { return false }
        return peer.match.advanced(by: settings.promotionLag) >= last.index
    }

    mutating func appendConfiguration(_ configuration: Configuration, at now: BootInstant) {
        let position = Position(index: last.index.next, term: term)
        append([Entry(position: position, content: .configuration(configuration))])
        for slot in ReplicaSlot.all where slot != member.slot {
            let isKnown = progress[slot.place]?.member == configuration.member(at: slot)
            if !isKnown { startProgress(of: slot, at: now) }
        }
        replicate(at: now)
    }
}
