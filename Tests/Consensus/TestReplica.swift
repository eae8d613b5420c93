import Consensus
import Testing

/// A replica whose effects are sorted, and whose disk does what a test says.
struct TestReplica {
    var consensus: Consensus
    /// Not yet synced.
    var writes: [(number: WriteNumber, write: Write)] = []
    /// All that was ever wanted sent, with what each waits for.
    var messages: [(message: Message, after: WriteNumber)] = []
    var delivered = LogIndex.zero
    var roles: [Role] = []
    var others: [Effect] = []
    var now = BootInstant(nanoseconds: 1_000_000_000)

    init(_ member: Member, _ stored: StoredState, settings: Settings = .tests) {
        consensus = Consensus(member, stored, settings: settings, seed: 7, at: now)
        settle()
    }

    /// Takes the effects over.
    mutating func settle() {
        var effects: [Effect] = []
        consensus.takeEffects(into: &effects)
        for effect in effects {
            switch effect {
            case .write(let number, let write): writes.append((number, write))
            case .send(let message, let write): messages.append((message, write))
            case .deliver(let index): delivered = index
            case .role(let role, _, _): roles.append(role)
            default: others.append(effect)
            }
        }
    }

    /// Everything wanted is durable; what is delivered is applied at once. Until nothing more is wanted.
    mutating func sync() {
        while let last = writes.last?.number {
            writes.removeAll()
            consensus.persisted(through: last, at: now)
            consensus.applied(through: consensus.delivered)
            settle()
        }
    }

    mutating func pass(_ milliseconds: UInt64) {
        now = now + BootSpan.milliseconds(milliseconds)
        consensus.tick(at: now)
        settle()
    }

    mutating func receive(_ body: Message.Body, from peer: Member, in term: UInt64) {
        let message = Message(from: peer, to: consensus.member, term: Term(rawValue: term), body: body)
        consensus.receive(message, at: now)
        settle()
    }

    /// The last thing sent to `peer`.
    func last(to peer: Member) -> Message? { messages.last { $0.message.to == peer }?.message }

    /// Takes what was sent since the last call.
    mutating func takeMessages() -> [(message: Message, after: WriteNumber)] {
        defer { messages.removeAll() }
        return messages
    }
}

extension Settings {
    /// Campaigns begin exactly a promise after the last sign.
    static var tests: Settings {
        var settings = Settings()
        settings.campaignDelay = .zero ... .zero
        return settings
    }
}

/// Members for tests: one in each slot, of incarnation 1.
let members = ReplicaSlot.all.map { Member(slot: $0, incarnation: Incarnation(rawValue: 1)) }

/// A configuration with the first `voters` members voting and the next `learners` learning.
func configuration(voters: Int, learners: Int = 0) -> Configuration {
    var configuration = Configuration()
    for place in 0..<voters + learners {
        configuration[members[place].slot] = Configuration.Seat(
            incarnation: members[place].incarnation, isVoter: place < voters)
    }
    return configuration
}

func position(_ index: UInt64, _ term: UInt64) -> Position {
    Position(index: LogIndex(rawValue: index), term: Term(rawValue: term))
}

func command(_ index: UInt64, _ term: UInt64, bytes: Int = 1) -> Entry {
    Entry(
        position: position(index, term),
        content: .command([UInt8](repeating: UInt8(truncatingIfNeeded: term), count: bytes)))
}

/// A disk with a log of commands in these terms, from index 1 on.
func stored(_ configuration: Configuration, terms: [UInt64] = [], hardState: HardState? = nil) -> StoredState {
    let entries = terms.enumerated().map { command(UInt64($0.offset + 1), $0.element) }
    return StoredState(
        hardState: hardState ?? HardState(term: Term(rawValue: terms.last ?? 0)),
        base: SnapshotBase(position: .zero, configuration: configuration), entries: entries)
}

/// The first member of three, elected by the second; its log is durable, and so is its first entry.
func leader(
    terms: [UInt64] = [], voters: Int = 3, learners: Int = 0, settings: Settings = .tests
) -> TestReplica {
    var leader = TestReplica(
        members[0], stored(configuration(voters: voters, learners: learners), terms: terms), settings: settings)
    leader.pass(501)
    let term = leader.consensus.term.next.rawValue
    for place in 1...voters / 2 {
        leader.receive(
            .vote(VoteAnswer(asked: Term(rawValue: term), isAsking: true, isGranted: true)), from: members[place], in: 0
        )
    }
    leader.sync()
    for place in 1...voters / 2 {
        leader.receive(
            .vote(VoteAnswer(asked: Term(rawValue: term), isAsking: false, isGranted: true)), from: members[place],
            in: term)
    }
    leader.sync()
    return leader
}

extension TestReplica {
    /// A peer acknowledges through `index`, in answer to the last append.
    mutating func acknowledge(by peer: Member, through index: UInt64, doubt: Nonce? = nil) {
        let answer = AppendAnswer(
            round: lastRound(to: peer), outcome: .matched(through: LogIndex(rawValue: index)),
            commit: .zero, doubt: doubt)
        receive(.appended(answer), from: peer, in: consensus.term.rawValue)
    }

    /// Of the last append sent to a peer.
    func lastRound(to peer: Member) -> UInt64 {
        for sent in messages.reversed() where sent.message.to == peer {
            if case .append(let append) = sent.message.body { return append.round }
        }
        return 0
    }

    /// The process of `peer` vouches for a heartbeat sent at `sentAt`.
    mutating func promise(by peer: Member, sentAt: BootInstant) {
        consensus.heartbeatAnswered(by: peer, in: consensus.term, vouches: true, sentAt: sentAt, at: now)
        settle()
    }

    /// On a follower: a heartbeat of a leader comes.
    mutating func expectVouching(
        _ expected: Bool, for leader: Member, in term: UInt64, _ location: SourceLocation = #_sourceLocation
    ) {
        let vouches = consensus.heartbeat(from: leader, in: Term(rawValue: term), at: now)
        settle()
        #expect(vouches == expected, sourceLocation: location)
    }
}
