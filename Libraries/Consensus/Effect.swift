/// What a replica wants done, in order.
public enum Effect: Equatable, Sendable {
    case write(WriteNumber, Write)
    /// To be sent as soon as that write is durable, and never without it.
    case send(Message, after: WriteNumber)
    /// The entries up to here are final and on this disk: the state machine applies them, in order, and says so.
    case deliver(through: LogIndex)
    /// The role, the term or the leader changed. Whoever no longer leads forgets everything volatile: proposals under
    /// way are neither done nor undone, and reads that wait are not answered.
    case role(Role, Term, leader: Member?)
    /// This leader has applied the first entry of its term: it may read and propose.
    case serves(Term)
    /// That read may be answered from the state that has applied this.
    case readable(ReadNumber, LogIndex)
    /// The heartbeat of this process should go out now: a read waits for it.
    case heartbeatWanted
    /// That peer needs the entries from here on, up to so many bytes, which are only on disk: they come by `supply`,
    /// or a snapshot by `offer`. Asked once, until it is answered or the term is over.
    case supply(Member, from: LogIndex, bytes: Int, in: Term)
    /// That leader has a snapshot that this replica needs: fetch it, or go on fetching it. Said repeatedly.
    case fetch(SnapshotBase, from: Member)
    /// The group has answered to this replica's doubt: it is counted again.
    case recovered
}

public enum Role: Hashable, Sendable {
    case follower
    /// Asks who would vote for it, before it begins a term.
    case asking
    case candidate
    case leader
}
