import Consensus
import Mutations
import Peers
import Protocol
import ReplicatedLog
import Synchronization

/// Between the lanes of a process and its peers: messages of all groups for one peer travel together, and one heartbeat
/// speaks for all groups that this process leads. Thread-safe.
///
/// The owner calls `beat` every tenth of a second and `receive` for each frame that comes.
package final class PeerExchange: PeerLine {
    /// A group that is led here.
    private struct Led {
        let term: Term
        let followers: SlotSet
    }

    /// A heartbeat under way.
    private struct Beat {
        let sequence: UInt64
        let sentAt: BootInstant
    }

    private struct State {
        var lanes: [LogGroupID: LogLane] = [:]
        var led: [LogGroupID: Led] = [:]
        var sequence: UInt64 = 0
        /// The last heartbeat before the one that was sent out of turn and has not been answered, and when that was.
        var hurried: (sequence: UInt64, at: BootInstant)?
        /// Somebody waits for the answers to one that is sent from now on.
        var wantsAnother = false
        /// The newest heartbeats sent to each peer, by slot.
        var beats = [[Beat]](repeating: [], count: ReplicaSlot.count)
    }

    /// What takes what peers pass on of clients of groups that are led here, and the answers to what was passed on. Called
    /// on the connections' thread.
    package struct RelayHandlers: Sendable {
        package var request: (@Sendable (RelayedRequest, _ follower: ReplicaSlot) -> Void)?
        package var answer: (@Sendable (RelayedAnswer) -> Void)?
        package var call: (@Sendable (RelayedCall, _ follower: ReplicaSlot) -> Void)?
        package var reply: (@Sendable (RelayedReply) -> Void)?
    }

    package var relays: RelayHandlers {
        get { relayHandlers.withLock { $0 } }
        set { relayHandlers.withLock { $0 = newValue } }
    }

    private let relayHandlers = Mutex(RelayHandlers())
    private let state = Mutex(State())
    private let port: any PeerPort
    private let now: @Sendable () -> BootInstant

    /// Answers to earlier ones come too late to be of use.
    private static let beatsUnderWay = 256
    /// So long one that is out of turn may be under way before there is another.
    private static let hurryPatience = BootSpan.milliseconds(20)

    /// - Parameter now: the clock of the lanes.
    package init(_ port: any PeerPort, now: @escaping @Sendable () -> BootInstant) {
        self.port = port
        self.now = now
    }

    /// What comes for `group` belongs to `lane`, which sends through this.
    package func add(_ group: LogGroupID, on lane: LogLane) {
        state.withLock { $0.lanes[group] = lane }
        lane.peers = self
    }

    // MARK: From the lanes

    package func send(_ messages: [(group: LogGroupID, message: Message)]) {
        for slot in SlotSet(messages.lazy.map(\.message.to.slot)) {
            let travelling = messages.filter { $0.message.to.slot == slot }.map {
                GroupMessage(group: GroupNumber(rawValue: $0.group.rawValue), message: $0.message)
            }
            guard let frames = try? EncodedFrame.frames(of: travelling) else {
                preconditionFailure("a message of bounded size does not fit into a frame")
            }
            for frame in frames { port.send(frame, to: slot) }
        }
    }

    package func send(_ request: SnapshotRequest, to leader: Member) { send(.snapshotRequest(request), to: leader) }

    package func send(_ part: SnapshotPart, to peer: Member) { send(.snapshotPart(part), to: peer) }

    private func send(_ frame: PeerFrame, to peer: Member) { send(frame, to: peer.slot) }

    private func send(_ frame: PeerFrame, to slot: ReplicaSlot) {
        guard let frame = try? EncodedFrame(frame) else {
            preconditionFailure("what is of bounded size does not fit into a frame")
        }
        port.send(frame, to: slot)
    }

    /// Passes a client's datagram on to the process that leads its group.
    package func relay(_ request: RelayedRequest, to leader: ReplicaSlot) { send(.relayedRequest(request), to: leader) }

    /// Passes the answer back.
    package func relay(_ answer: RelayedAnswer, to slot: ReplicaSlot) { send(.relayedAnswer(answer), to: slot) }

    /// The same for what comes over a connection.
    package func relay(_ call: RelayedCall, to leader: ReplicaSlot) { send(.relayedCall(call), to: leader) }

    package func relay(_ reply: RelayedReply, to slot: ReplicaSlot) { send(.relayedReply(reply), to: slot) }

    package func note(_ group: LogGroupID, isLedIn term: Term?, followers: SlotSet) {
        state.withLock { $0.led[group] = term.map { Led(term: $0, followers: followers) } }
    }

    /// One at a time is under way out of turn, so that no number of reads makes more of them than there are answers.
    package func hurryHeartbeat() {
        let now = now()
        let mayGo = state.withLock { state in
            if let hurried = state.hurried, now < hurried.at + Self.hurryPatience {
                state.wantsAnother = true
                return false
            }
            state.hurried = (state.sequence, now)
            return true
        }
        if mayGo { beat() }
    }

    // MARK: Heartbeats

    /// Tells every peer that follows this process in any group that it is alive: unless its log stands still, as the
    /// groups would then do so with it (design R7).
    package func beat() {
        guard state.withLock({ $0.lanes.first })?.value.standsStill != true else { return }
        state.withLock { $0.wantsAnother = false }
        for slot in ReplicaSlot.all {
            guard let heartbeat = nextHeartbeat(to: slot) else { continue }
            guard let frame = try? EncodedFrame(.heartbeat(heartbeat)) else {
                preconditionFailure("the groups of a process do not fit into a heartbeat")
            }
            port.send(frame, to: slot)
        }
    }

    private func nextHeartbeat(to slot: ReplicaSlot) -> Heartbeat? {
        state.withLock { state in
            let led = state.led.filter { $0.value.followers.contains(slot) }.sorted { $0.key < $1.key }
            guard !led.isEmpty else { return nil }
            state.sequence += 1
            let beat = Beat(sequence: state.sequence, sentAt: now())
            state.beats[Int(slot.rawValue)].append(beat)
            if state.beats[Int(slot.rawValue)].count > Self.beatsUnderWay {
                state.beats[Int(slot.rawValue)].removeFirst()
            }
            return Heartbeat(
                sequence: beat.sequence, sentAt: beat.sentAt,
                led: led.map { LedGroup(group: GroupNumber(rawValue: $0.key.rawValue), term: $0.value.term) })
        }
    }

    // MARK: From peers

    /// A frame of the process `peer`.
    package func receive(_ frame: PeerFrame, from peer: Member) {
        switch frame {
        case .messages(let messages): receive(messages, from: peer)
        case .heartbeat(let heartbeat): receive(heartbeat, from: peer)
        case .heartbeatAnswer(let answer): receive(answer, from: peer)
        case .snapshotRequest(let request): lane(of: request.group)?.receive(request, from: peer)
        case .snapshotPart(let part): lane(of: part.group)?.receive(part, from: peer)
        case .relayedRequest(let request): relays.request?(request, peer.slot)
        case .relayedAnswer(let answer): relays.answer?(answer)
        case .relayedCall(let call): relays.call?(call, peer.slot)
        case .relayedReply(let reply): relays.reply?(reply)
        }
    }

    private func lane(of group: GroupNumber) -> LogLane? {
        state.withLock { $0.lanes[LogGroupID(rawValue: group.rawValue)] }
    }

    private func receive(_ messages: [GroupMessage], from peer: Member) {
        // A process speaks for itself only.
        let own = messages.filter { $0.message.from == peer }.map {
            (group: LogGroupID(rawValue: $0.group.rawValue), message: $0.message)
        }
        for (lane, messages) in byLane(own, \.group) { lane.receive(messages) }
    }

    private func receive(_ heartbeat: Heartbeat, from peer: Member) {
        let led = heartbeat.led.map { (group: LogGroupID(rawValue: $0.group.rawValue), term: $0.term) }
        let lanes = byLane(led, \.group)
        let gathering = Gathering(lanes.count) { [weak self] votes in self?.answer(heartbeat, votes, to: peer.slot) }
        for (lane, led) in lanes { lane.heartbeat(from: peer, led) { gathering.add($0) } }
    }

    private func answer(_ heartbeat: Heartbeat, _ votes: [GroupVote], to slot: ReplicaSlot) {
        func groups(_ vouches: Bool) -> [LedGroup] {
            votes.filter { $0.vouches == vouches }.map {
                LedGroup(group: GroupNumber(rawValue: $0.group.rawValue), term: $0.term)
            }
        }
        let answer = HeartbeatAnswer(
            sequence: heartbeat.sequence, sentAt: heartbeat.sentAt, vouched: groups(true), refused: groups(false))
        // What the heartbeat held fits into its answer.
        guard let frame = try? EncodedFrame(.heartbeatAnswer(answer)) else { return }
        port.send(frame, to: slot)
    }

    private func receive(_ answer: HeartbeatAnswer, from peer: Member) {
        // When it was sent is what is remembered here, whatever the peer says.
        let (beat, wantsAnother) = state.withLock { state in
            let beat = state.beats[Int(peer.slot.rawValue)].last { $0.sequence == answer.sequence }
            if let hurried = state.hurried, answer.sequence > hurried.sequence { state.hurried = nil }
            return (beat, state.wantsAnother && state.hurried == nil)
        }
        if wantsAnother { hurryHeartbeat() }
        guard let beat else { return }
        let votes =
            answer.vouched.map {
                GroupVote(group: LogGroupID(rawValue: $0.group.rawValue), term: $0.term, vouches: true)
            }
            + answer.refused.map {
                GroupVote(group: LogGroupID(rawValue: $0.group.rawValue), term: $0.term, vouches: false)
            }
        for (lane, votes) in byLane(votes, \.group) {
            lane.heartbeatAnswered(
                by: peer, votes, sentAt: Mutation.answersRenewFromNow.isPlanted ? now() : beat.sentAt)
        }
    }

    /// What belongs to groups of this process, by lane.
    private func byLane<Item>(_ items: [Item], _ group: (Item) -> LogGroupID) -> [(LogLane, [Item])] {
        let lanes = state.withLock { $0.lanes }
        var result: [(lane: LogLane, items: [Item])] = []
        var places: [ObjectIdentifier: Int] = [:]
        for item in items {
            guard let lane = lanes[group(item)] else { continue }
            let place = places[ObjectIdentifier(lane)] ?? result.count
            if place == result.count {
                places[ObjectIdentifier(lane)] = place
                result.append((lane, []))
            }
            result[place].items.append(item)
        }
        return result.map { ($0.lane, $0.items) }
    }
}

/// What several lanes answer to one heartbeat. Thread-safe.
private final class Gathering: Sendable {
    private let state: Mutex<(missing: Int, votes: [GroupVote])>
    private let done: @Sendable ([GroupVote]) -> Void

    init(_ count: Int, _ done: @escaping @Sendable ([GroupVote]) -> Void) {
        state = Mutex((count, []))
        self.done = done
        if count == 0 { done([]) }
    }

    func add(_ votes: [GroupVote]) {
        let all = state.withLock { state -> [GroupVote]? in
            state.missing -= 1
            state.votes += votes
            return state.missing == 0 ? state.votes : nil
        }
        if let all { done(all) }
    }
}
