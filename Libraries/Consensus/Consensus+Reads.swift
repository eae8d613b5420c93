import Mutations

/// What a read has to wait for.
public enum ReadPermission: Equatable, Sendable {
    /// It may be answered from the state that has applied this.
    case applied(LogIndex)
    /// `Effect.readable` says so.
    case confirmed(ReadNumber)
}

/// Why a read was not taken.
public enum ReadRefusal: Error, Equatable, Sendable {
    case notLeader(leader: Member?)
    /// It leads, but has not applied all that was acknowledged before.
    case notServing
    /// As many wait as the settings allow.
    case tooMany
}

struct WaitingRead: Sendable {
    let number: ReadNumber
    let index: LogIndex
    let askedAt: BootInstant
}

extension Consensus {
    /// Somebody wants to read.
    ///
    /// - Parameter now: read from the clock after the request came.
    public mutating func read(at now: BootInstant) throws(ReadRefusal) -> ReadPermission {
        guard role == .leader else { throw .notLeader(leader: leader) }
        guard isServing else { throw .notServing }
        if hasLease(at: now) { return .applied(commit) }
        guard reads.count < settings.waitingReads else { throw .tooMany }
        lastRead &+= 1
        let read = WaitingRead(number: ReadNumber(rawValue: lastRead), index: commit, askedAt: now)
        reads.append(read)
        effects.append(.heartbeatWanted)
        // The only voter asks nobody.
        confirmReads()
        return .confirmed(read.number)
    }

    /// A read may be answered when a majority vouched for a heartbeat that was sent after it came: nobody led in a
    /// later term when it came.
    mutating func confirmReads() {
        guard !reads.isEmpty, let start = promisedSince else { return }
        let confirmed = reads.prefix { $0.askedAt < start || Mutation.oldHeartbeatsConfirmReads.isPlanted }
        for read in confirmed { effects.append(.readable(read.number, read.index)) }
        reads.removeFirst(confirmed.count)
    }
}
