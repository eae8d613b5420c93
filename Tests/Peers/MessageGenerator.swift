import Consensus
import Peers
import Protocol
import TestSupport

/// Messages with any values that their types can hold.
struct MessageGenerator {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Small numbers and the greatest are where mistakes are.
    mutating func number() -> UInt64 { random.pick([0, 1, .max, random.next() & 0xff, random.next()]) }

    mutating func index() -> LogIndex { LogIndex(rawValue: number()) }
    mutating func term() -> Term { Term(rawValue: number()) }
    mutating func position() -> Position { Position(index: index(), term: term()) }
    mutating func nonce() -> Nonce? { random.chance(50) ? Nonce(rawValue: number()) : nil }

    mutating func member() -> Member {
        Member(slot: random.pick(ReplicaSlot.all), incarnation: Incarnation(rawValue: number()))
    }

    mutating func configuration() -> Configuration {
        var configuration = Configuration()
        for slot in ReplicaSlot.all where random.chance(60) {
            configuration[slot] = Configuration.Seat(
                incarnation: Incarnation(rawValue: number()), isVoter: random.chance(50), nonce: nonce())
        }
        if random.chance(30) {
            configuration.expelled = (0...2).map { _ in Incarnation(rawValue: number()) }
        }
        if random.chance(50) { configuration.wished = random.pick(Array(ReplicaSlot.all)) }
        return configuration
    }

    /// Of a base that is believed.
    mutating func base() -> SnapshotBase {
        SnapshotBase(
            position: Position(
                index: LogIndex(rawValue: number() & (1 << 61)), term: Term(rawValue: number() & (1 << 61))),
            configuration: configuration())
    }

    mutating func entry() -> Entry {
        let content: Entry.Content =
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .beginning
            case 1: .configuration(configuration())
            // Longer than what two bytes can count, now and then.
            case 2 where random.oneIn(20): .command(random.bytes(70_000))
            default: .command(random.bytes(Int.random(in: 0...40, using: &random)))
            }
        return Entry(position: position(), content: content)
    }

    mutating func body() -> Message.Body {
        switch Int.random(in: 0..<7, using: &random) {
        case 0: .askVote(VoteRequest(last: position(), purpose: random.pick([.asking, .election, .transfer])))
        case 1: .vote(VoteAnswer(asked: term(), isAsking: random.chance(50), isGranted: random.chance(50)))
        case 2:
            .append(
                Append(
                    round: number(), previous: position(),
                    entries: (0..<Int.random(in: 0...5, using: &random)).map { _ in entry() }, commit: index()))
        case 3:
            .appended(
                AppendAnswer(
                    round: number(),
                    outcome: random.chance(50)
                        ? .matched(through: index()) : .conflict(hint: position(), last: index()),
                    commit: index(), doubt: nonce()))
        case 4: .takeOver
        case 5: .offer(SnapshotOffer(round: number(), base: base()))
        default: .forgot(round: number(), acknowledged: index())
        }
    }

    mutating func message() -> GroupMessage {
        GroupMessage(
            group: GroupNumber(rawValue: UInt32(truncatingIfNeeded: number())),
            message: Message(from: member(), to: member(), term: term(), body: body()))
    }

    mutating func ledGroups() -> [LedGroup] {
        (0..<UInt32.random(in: 0...256, using: &random)).map { number in
            LedGroup(group: GroupNumber(rawValue: number), term: term())
        }
    }

    private mutating func key() -> [UInt8] {
        (0..<Int.random(in: 0...300, using: &random)).map { _ in .random(in: 0...255, using: &random) }
    }

    mutating func frame() -> PeerFrame {
        let sentAt = BootInstant(nanoseconds: number())
        let group = GroupNumber(rawValue: UInt32(truncatingIfNeeded: number()))
        switch Int.random(in: 0..<10, using: &random) {
        case 8: return .relayedCall(RelayedCall(group: group, number: number(), request: key()))
        case 9:
            return .relayedReply(
                RelayedReply(
                    group: group, number: number(), offset: number(), part: key(), isLast: random.chance(50)))
        case 4:
            return .relayedRequest(
                RelayedRequest(
                    group: group, address: UInt32(truncatingIfNeeded: number()),
                    port: UInt16(truncatingIfNeeded: number()), socket: 1, datagram: key()))
        case 5:
            return .relayedAnswer(
                RelayedAnswer(
                    group: group, address: UInt32(truncatingIfNeeded: number()),
                    port: UInt16(truncatingIfNeeded: number()), socket: 0, datagram: key()))
        case 2: return .snapshotRequest(SnapshotRequest(group: group, position: position(), after: key()))
        case 3:
            let pairs = (0..<Int.random(in: 0...5, using: &random)).map { _ in SnapshotPair(key: key(), value: key()) }
            return .snapshotPart(
                SnapshotPart(
                    group: group, position: position(), after: key(), pairs: pairs, isLast: random.chance(50)))
        case 0: return .heartbeat(Heartbeat(sequence: number(), sentAt: sentAt, led: ledGroups()))
        case 1:
            return .heartbeatAnswer(
                HeartbeatAnswer(sequence: number(), sentAt: sentAt, vouched: ledGroups(), refused: ledGroups()))
        default: return .messages((0..<Int.random(in: 0...8, using: &random)).map { _ in message() })
        }
    }
}
