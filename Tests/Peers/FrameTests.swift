import Consensus
import Logging
import Metrics
import Peers
import Protocol
import TestSupport
import Testing

/// What processes tell each other comes back, and nothing else is believed.
@Suite(.timeLimit(.minutes(2)))
struct FrameTests {
    private func decoded(_ bytes: [UInt8]) throws(DecodeError) -> PeerFrame {
        let result = bytes.withUnsafeBytes { (raw) -> Result<PeerFrame, DecodeError> in
            do throws(DecodeError) {
                return .success(try PeerFrame(decoding: raw))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    @Test func everyFrameComesBack() throws {
        for seed in UInt64(0)..<400 {
            var generator = MessageGenerator(seed: seed)
            let frame = generator.frame()
            #expect(try decoded(EncodedFrame(frame).bytes) == frame, "seed \(seed)")
        }
    }

    @Test func noLengthButTheRightOneIsTaken() throws {
        for seed in UInt64(0)..<30 {
            var generator = MessageGenerator(seed: seed)
            let bytes = try EncodedFrame(generator.frame()).bytes
            guard bytes.count < 1_000 else { continue }
            for count in 0..<bytes.count {
                #expect(throws: DecodeError.self, "seed \(seed), \(count) of \(bytes.count)") {
                    try decoded(Array(bytes[..<count]))
                }
            }
            #expect(throws: DecodeError.surplus, "seed \(seed)") { try decoded(bytes + [0]) }
        }
    }

    /// What is accepted can be told again, and means the same. (The same bytes it need not be: any byte but 0 is true.)
    @Test func damagedFramesAreRefusedOrUnderstood() throws {
        var random = SeededGenerator(seed: 5)
        for seed in UInt64(0)..<300 {
            var generator = MessageGenerator(seed: seed)
            let bytes = try EncodedFrame(generator.frame()).bytes
            for _ in 0..<10 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    damaged[Int.random(in: damaged.indices, using: &random)] = random.pick([0, 1, 2, 0xff, 0x80])
                }
                guard let frame = try? decoded(damaged) else { continue }
                let again = try EncodedFrame(frame).bytes
                #expect(again.count == damaged.count, "seed \(seed)")
                #expect(try decoded(again) == frame, "seed \(seed)")
            }
        }
    }

    @Test func noiseIsRefusedOrUnderstood() throws {
        var random = SeededGenerator(seed: 6)
        for round in 0..<20_000 {
            var bytes = random.bytes(Int.random(in: 0...80, using: &random))
            if round % 2 == 0 { bytes = bytes.map { $0 < 200 ? $0 & 3 : $0 } }
            if !bytes.isEmpty { bytes[0] = UInt8(round % 5) }
            guard let frame = try? decoded(bytes) else { continue }
            #expect(try decoded(EncodedFrame(frame).bytes) == frame, "\(bytes)")
        }
    }

    /// Counts that nothing follows upon.
    @Test func announcedListsReserveNothing() {
        for kind in UInt8(1)...3 {
            let bytes = [kind] + [UInt8](repeating: 0xff, count: 40)
            #expect(throws: DecodeError.self) { try decoded(bytes) }
        }
    }

    @Test func heartbeatsOfAllGroupsAreSmall() throws {
        let led = (UInt32(0)..<256).map { LedGroup(group: GroupNumber(rawValue: $0), term: Term(rawValue: 7)) }
        let frame = PeerFrame.heartbeat(Heartbeat(sequence: 1, sentAt: .zero, led: led))
        #expect(try EncodedFrame(frame).bytes.count == 1 + 16 + 2 + 256 * 12)
    }

    // MARK: Many messages

    @Test func moreThanAFrameHoldsGoesInSeveral() throws {
        var generator = MessageGenerator(seed: 8)
        let member = (generator.member(), generator.member())
        let command = [UInt8](repeating: 9, count: 1 << 20)
        let messages = (UInt32(0)..<20).map { number in
            let entry = Entry(position: .zero, content: .command(command))
            return GroupMessage(
                group: GroupNumber(rawValue: number),
                message: Message(
                    from: member.0, to: member.1, term: .zero,
                    body: .append(Append(round: 1, previous: .zero, entries: [entry], commit: .zero))))
        }
        let frames = try EncodedFrame.frames(of: messages)
        #expect(frames.count == 3)
        #expect(frames.allSatisfy { $0.bytes.count <= PeerFrame.byteLimit })
        var received: [GroupMessage] = []
        for frame in frames {
            guard case .messages(let some) = try decoded(frame.bytes) else { throw TestFailure("another kind") }
            received += some
        }
        #expect(received == messages)
        #expect(try EncodedFrame.frames(of: []).isEmpty)
    }

    @Test func whatFitsIntoNoFrameIsRefused() {
        let entry = Entry(position: .zero, content: .command([UInt8](repeating: 0, count: PeerFrame.byteLimit)))
        var generator = MessageGenerator(seed: 9)
        let message = GroupMessage(
            group: GroupNumber(rawValue: 0),
            message: Message(
                from: generator.member(), to: generator.member(), term: .zero,
                body: .append(Append(round: 1, previous: .zero, entries: [entry], commit: .zero))))
        #expect(throws: EncodeError.lengthTooLarge) { try EncodedFrame(.messages([message])) }
        #expect(throws: EncodeError.lengthTooLarge) { try EncodedFrame.frames(of: [message]) }
    }

    // MARK: Frames of others

    @Test func unknownKindsAndNonsenseAreCountedAndPassedOver() throws {
        let counters = Counters()
        let reader = PeerFrameReader(counters: counters, logger: .silent)
        let peer = PeerIdentity(service: .shards, slot: ReplicaSlot.all[1], incarnation: Incarnation(rawValue: 3))
        func frame(_ bytes: [UInt8]) -> PeerFrame? { bytes.withUnsafeBytes { reader.frame(in: $0, from: peer) } }
        #expect(frame([200, 1, 2, 3]) == nil)
        #expect(counters.counter("peers_frames_unknown_total").value == 1)
        #expect(frame([]) == nil)
        #expect(frame([1]) == nil)
        #expect(frame([2, 0]) == nil)
        #expect(counters.counter("peers_frames_malformed_total").value == 3)
        #expect(frame([1, 0, 0]) == .messages([]))
        #expect(counters.counter("peers_frames_unknown_total").value == 1)
    }
}
