import Mutations

/// A leader hands over.
struct Transfer: Sendable {
    let target: Member
    /// When it is given up.
    let end: BootInstant
    /// The target was told.
    var isTold = false
}

/// Why a leader does not hand over. Nothing has happened.
public enum TransferRefusal: Error, Equatable, Sendable {
    case notLeader
    case notAVoter
    /// It leads already.
    case isLeader
    /// It is not heard of, or in doubt.
    case isAway
    case alreadyUnderWay
}

extension Consensus {
    /// Names the replica that should lead whenever it can; nil: any may.
    public mutating func prefer(_ slot: ReplicaSlot?) { preferred = slot }

    /// Begins to hand over. The lease is given up for the rest of the term, and no proposals are taken until the target
    /// leads or has failed to for a promise's length.
    public mutating func handOver(to slot: ReplicaSlot, at now: BootInstant) throws(TransferRefusal) {
        guard role == .leader else { throw .notLeader }
        guard slot != member.slot else { throw .isLeader }
        guard voters.contains(slot), let peer = progress[slot.place] else { throw .notAVoter }
        guard transfer == nil else { throw .alreadyUnderWay }
        guard peer.isCounted, now < peer.heardAt + settings.promise else { throw .isAway }
        if !Mutation.transfersKeepTheLease.isPlanted { hasGivenLeaseUp = true }
        transfer = Transfer(target: peer.member, end: now + settings.promise)
        finishTransfer(at: now)
    }

    /// Tells the target once it has the whole log.
    mutating func finishTransfer(at now: BootInstant) {
        guard let transfer, !transfer.isTold, let peer = progress[transfer.target.slot.place] else { return }
        guard peer.member == transfer.target, peer.match == last.index else { return }
        self.transfer?.isTold = true
        send(.takeOver, to: peer.member)
    }

    /// A preferred replica that lacks nothing gets to lead, once this leader has led for a while.
    mutating func handOverToPreferred(at now: BootInstant) {
        guard let preferred, preferred != member.slot, isServing, now >= leadsSince + settings.settling else { return }
        guard transfer == nil, let peer = progress[preferred.place], peer.match == commit else { return }
        // Refused, it is tried again later.
        try? handOver(to: preferred, at: now)
    }
}
