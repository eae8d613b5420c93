import Protocol

/// One request of a client on its way through the shards: a state machine without I/O and without a clock.
///
/// It is never stored. After a crash a new one starts from the logged request, with `isRecovered`, and every step of it
/// is such that doing it again changes nothing that the first time did not (README.md).
protocol Transaction {
    /// The request that is logged when the transaction begins; nil for one that needs no record.
    var loggedRequest: AnyCdcRequest? { get }

    /// The reserved id that the record has to name; null for transactions that make no directory.
    var loggedDirectory: InodeID { get }

    /// The move that has to be checked for a loop before it begins; nil for what moves no directory.
    var directoryMove: DirectoryMove? { get }

    /// Whether the answer has to be remembered although nothing was begun: a copy of the request that comes late could
    /// do what this one did not have to, or was refused.
    var answerMustLast: Bool { get }

    /// Everything it will touch.
    var claims: [LockClaim] { get }

    /// The machine that finds out what came of this one when nobody knows; it would also be made after a crash.
    var startingAgain: any Transaction { get }

    /// All locks are held.
    mutating func start(_ actions: inout TransactionActions)

    /// The record asked for by `actions.begin()` is durable.
    mutating func begun(_ actions: inout TransactionActions)

    /// The directory id asked for by `actions.allocateDirectory()`.
    mutating func allocated(_ directory: InodeID, _ actions: inout TransactionActions)

    /// A shard has answered. Transient refusals do not get here; they are repeated.
    mutating func handle(_ answer: ShardAnswer, to step: TransactionStep, _ actions: inout TransactionActions)
}

/// A directory that is to get another owner, or another name.
struct DirectoryMove {
    var target: InodeID
    var newOwner: InodeID

    /// Into itself, or of the root: no other move can make it possible.
    var isAlwaysLoop: Bool { target == newOwner || target == .root }
}

typealias ShardAnswer = Result<AnyShardResponse, ProtocolError>

extension Transaction {
    var loggedRequest: AnyCdcRequest? { nil }
    var loggedDirectory: InodeID { .null }
    var directoryMove: DirectoryMove? { nil }
    var answerMustLast: Bool { false }
    mutating func begun(_ actions: inout TransactionActions) {}
    mutating func allocated(_ directory: InodeID, _ actions: inout TransactionActions) {}
}
