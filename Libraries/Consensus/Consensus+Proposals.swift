import Mutations

/// Why a command was not taken. Nothing has happened.
public enum ProposalRefusal: Error, Equatable, Sendable {
    case notLeader(leader: Member?)
    /// It leads, but has not applied all that was acknowledged before.
    case notServing
    /// It is about to hand over.
    case handingOver
    /// As much is under way as the settings allow.
    case windowFull
    case tooLarge
}

extension Consensus {
    /// Where the next command would be.
    public var nextIndex: LogIndex { last.index.next }

    /// Takes a command, and says where in the log it will be, if it ever is.
    public mutating func propose(_ command: [UInt8], at now: BootInstant) throws(ProposalRefusal) -> LogIndex {
        guard role == .leader else { throw .notLeader(leader: leader) }
        guard isServing else { throw .notServing }
        guard transfer == nil else { throw .handingOver }
        guard command.count <= settings.commandBytes else { throw .tooLarge }
        guard commit == last.index || hasRoom(for: command) else { throw .windowFull }
        let position = Position(index: nextIndex, term: term)
        append([Entry(position: position, content: .command(command))])
        replicate(at: now)
        return Mutation.wrongIndexIsTold.isPlanted ? nextIndex : position.index
    }

    private func hasRoom(for command: [UInt8]) -> Bool {
        let underWay = log.byteCount(after: commit, through: last.index)
        return underWay + command.count <= settings.proposedBytes
            && last.index.rawValue &- commit.rawValue < UInt64(clamping: settings.proposedEntries)
    }
}
