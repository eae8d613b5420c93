import Consensus
import Peers
import Protocol
import Replicas
import ReplicatedLog
import TestLog
import Testing

/// Heartbeats out of turn, for reads that somebody waits for.
@Suite struct HurriedHeartbeatTests {
    private let port = HandDrivenPort()
    private let exchange: PeerExchange
    private let clock = HandDrivenClock()
    private let follower = Member(slot: .all[1], incarnation: Incarnation(rawValue: 2))

    init() {
        exchange = PeerExchange(port) { [clock] in clock.now }
        exchange.note(
            LogGroupID(rawValue: 0), isLedIn: Term(rawValue: 3), followers: SlotSet([follower.slot]))
    }

    /// The numbers of the heartbeats that went out.
    private func sent() throws -> [UInt64] {
        try port.take().map { frame, _ in
            guard case .heartbeat(let beat) = try frame.bytes.withUnsafeBytes({ try PeerFrame(decoding: $0) }) else {
                throw Unexpected()
            }
            return beat.sequence
        }
    }

    private struct Unexpected: Error {}

    private func answer(_ sequence: UInt64) {
        exchange.receive(
            .heartbeatAnswer(
                HeartbeatAnswer(sequence: sequence, sentAt: clock.now, vouched: [], refused: [])), from: follower)
    }

    @Test func oneAtATimeIsUnderWay() throws {
        for _ in 0..<1000 { exchange.hurryHeartbeat() }
        #expect(try sent() == [1])
        // Who has asked after it was sent is waiting for the next.
        answer(1)
        #expect(try sent() == [2])
        answer(2)
        #expect(try sent() == [])
        exchange.hurryHeartbeat()
        #expect(try sent() == [3])
    }

    @Test func oneThatGetsLostHoldsNobodyUpForLong() throws {
        exchange.hurryHeartbeat()
        exchange.hurryHeartbeat()
        #expect(try sent() == [1])
        clock.pass(milliseconds: 30)
        exchange.hurryHeartbeat()
        #expect(try sent() == [2])
    }

    /// The one that is due anyway is as good.
    @Test func oneInItsTurnCounts() throws {
        exchange.hurryHeartbeat()
        exchange.hurryHeartbeat()
        exchange.beat()
        #expect(try sent() == [1, 2])
        answer(2)
        #expect(try sent() == [])
    }
}
