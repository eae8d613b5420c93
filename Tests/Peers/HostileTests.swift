import Consensus
import EventLoop
import Peers
import Protocol
import TestSupport
import Testing

/// What strangers, misled processes and people between two processes can do: nothing but be counted.
@Suite(.timeLimit(.minutes(3)))
struct HostileTests {
    /// Two processes that are connected, of which the first is going to be disturbed.
    private struct Pair {
        let target: RunningPeer
        let friend: RunningPeer

        init(_ change: (inout PeerSettings) -> Void = { _ in }) throws {
            target = try RunningPeer(0, change: change)
            friend = try RunningPeer(1)
            target.dial(friend)
            friend.dial(target)
            let (target, friend) = (target, friend)
            guard
                happens({
                    target.isConnected(to: friend.identity) && friend.isConnected(to: target.identity)
                })
            else { throw TestFailure("two processes do not find each other") }
        }

        /// Both still talk, over the connections that they had.
        func expectUndisturbed() {
            let before = (target.frames.count, friend.frames.count)
            #expect(target.transport.send(testFrame([7]), to: friend.identity.slot))
            #expect(friend.transport.send(testFrame([8]), to: target.identity.slot))
            #expect(happens { target.frames.count > before.0 && friend.frames.count > before.1 })
            #expect(target.lost.isEmpty && friend.lost.isEmpty)
        }
    }

    // MARK: Misled processes

    private func expectRefused(
        _ cause: PeerRefusal, _ stranger: RunningPeer, dialling slot: Int = 0, of pair: Pair
    ) {
        stranger.transport.setAddresses([pair.target.address], of: ReplicaSlot.all[slot])
        #expect(happens { stranger.count("peers_refused_by_peer_total") > 2 && pair.target.refused(cause) > 2 })
        // However often it comes.
        let lines = pair.target.pages.lines
        #expect(lines.filter { $0.hasSuffix(sentence(cause)) }.count == 1, "\(lines)")
        #expect(stranger.pages.lines.count == 1, "\(stranger.pages.lines)")
        #expect(stranger.connected.isEmpty)
        #expect(!stranger.transport.send(testFrame([1]), to: ReplicaSlot.all[slot]))
        pair.expectUndisturbed()
    }

    private func sentence(_ cause: PeerRefusal) -> String {
        switch cause {
        case .service: "serves something else"
        case .ownSlot: "is in the same slot"
        case .otherSlot: "takes one slot for another"
        default: "has another key"
        }
    }

    @Test func anotherService() throws {
        expectRefused(.service, try RunningPeer(2, .coordinator), of: try Pair())
    }

    @Test func somebodyInOurSlot() throws {
        // It does not dial its own slot, so it asks for another one; the own slot is noticed first.
        expectRefused(.ownSlot, try RunningPeer(0, life: 2), dialling: 3, of: try Pair())
    }

    @Test func somebodyWhoLooksForAnother() throws {
        expectRefused(.otherSlot, try RunningPeer(2), dialling: 3, of: try Pair())
    }

    @Test func withoutTheClustersKey() throws {
        expectRefused(.key, try RunningPeer(2, keys: .open), of: try Pair())
    }

    /// The one that dials notices first that the other one's proof is wrong, and says so.
    @Test func anotherKey() throws {
        let pair = try Pair()
        let stranger = try RunningPeer(2, keys: .ofOthers)
        stranger.dial(pair.target)
        #expect(happens { stranger.refused(.key) > 2 && pair.target.count("peers_refused_by_peer_total") > 2 })
        #expect(stranger.pages.lines.count == 1)
        #expect(pair.target.pages.lines.count == 1)
        #expect(stranger.connected.isEmpty)
        pair.expectUndisturbed()
    }

    // MARK: Strangers

    private func hello(from identity: PeerIdentity, to pair: Pair, key: PeerKey = RawPeer.key) -> DiallingHandshake {
        DiallingHandshake(own: identity, to: pair.target.identity.slot, key: key)
    }

    @Test func anotherVersion() throws {
        let pair = try Pair()
        for change: (inout PeerHello) -> Void in [{ $0.version = 2 }, { $0.suite = 9 }] {
            var hello = hello(from: PeerIdentity(2), to: pair).hello
            change(&hello)
            let socket = try TestSocket.connected(port: pair.target.address.port)
            try socket.send(try hello.encoded())
            #expect(try PeerAnswer(decoding: socket.receive(PeerAnswer.wireSize)).refusal != 0)
            #expect(socket.isClosedByPeer())
        }
        #expect(pair.target.refused(.version) == 1)
        #expect(pair.target.refused(.suite) == 1)
        pair.expectUndisturbed()
    }

    @Test func noise() throws {
        let pair = try Pair()
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            let socket = try TestSocket.connected(port: pair.target.address.port)
            try? socket.send(random.bytes(500))
            #expect(socket.isClosedByPeer())
        }
        #expect(happens { pair.target.refused(.malformed) == 20 })
        #expect(pair.target.pages.lines.count == 1)
        pair.expectUndisturbed()
    }

    /// Who has no key gets through no part of a handshake by guessing.
    @Test func proofsThatAreNone() throws {
        let pair = try Pair()
        for proof in [PeerToken.zero, .random(), hello(from: PeerIdentity(2), to: pair).hello.nonce] {
            let socket = try TestSocket.connected(port: pair.target.address.port)
            let handshake = hello(from: PeerIdentity(2), to: pair)
            try socket.send(try handshake.hello.encoded())
            let answer = try PeerAnswer(decoding: socket.receive(PeerAnswer.wireSize))
            #expect(answer.refusal == 0)
            try socket.send(try PeerProof(refusal: 0, proof: proof).encoded())
            #expect(try PeerProof(decoding: socket.receive(PeerProof.wireSize)).refusal != 0)
            #expect(socket.isClosedByPeer())
        }
        #expect(pair.target.refused(.key) == 3)
        pair.expectUndisturbed()
    }

    /// What the listening end proves is not what the dialling end has to.
    @Test func proofsThatAreSentBack() throws {
        let pair = try Pair()
        let socket = try TestSocket.connected(port: pair.target.address.port)
        try socket.send(try hello(from: PeerIdentity(2), to: pair).hello.encoded())
        let answer = try PeerAnswer(decoding: socket.receive(PeerAnswer.wireSize))
        try socket.send(try PeerProof(refusal: 0, proof: answer.proof).encoded())
        #expect(try PeerProof(decoding: socket.receive(PeerProof.wireSize)).refusal != 0)
        #expect(socket.isClosedByPeer())
        pair.expectUndisturbed()
    }

    /// Somebody only says that they are a peer: neither its connection nor its life is taken from it.
    @Test func namesThatAreNotProved() throws {
        let pair = try Pair()
        #expect(friendIsHeard(pair, [1]))
        for life in [pair.friend.identity.incarnation.rawValue, 77] {
            let socket = try TestSocket.connected(port: pair.target.address.port)
            try socket.send(try hello(from: PeerIdentity(1, life: life), to: pair).hello.encoded())
            #expect(try PeerAnswer(decoding: socket.receive(PeerAnswer.wireSize)).refusal == 0)
            #expect(friendIsHeard(pair, [UInt8(truncatingIfNeeded: life)]))
        }
        pair.expectUndisturbed()
    }

    private func friendIsHeard(_ pair: Pair, _ bytes: [UInt8]) -> Bool {
        let before = pair.target.frames.count
        guard pair.friend.transport.send(testFrame(bytes), to: pair.target.identity.slot) else { return false }
        return happens { pair.target.frames.count == before + 1 }
    }

    @Test func silence() throws {
        let pair = try Pair { $0.handshakeNanoseconds = 50_000_000 }
        let silent = try TestSocket.connected(port: pair.target.address.port)
        #expect(silent.isClosedByPeer())
        let slow = try TestSocket.connected(port: pair.target.address.port)
        try slow.send(try hello(from: PeerIdentity(2), to: pair).hello.encoded())
        _ = try slow.receive(PeerAnswer.wireSize)
        try slow.send([0, 1, 2])
        #expect(slow.isClosedByPeer())
        #expect(pair.target.refused(.silent) == 2)
        pair.expectUndisturbed()
    }

    /// A listener that says nothing, or ends, is tried again.
    @Test func silenceOfWhoIsDialled() throws {
        let one = try RunningPeer(0) { $0.handshakeNanoseconds = 50_000_000 }
        let listener = try RawListener()
        one.transport.setAddresses([.loopback(port: listener.port)], of: ReplicaSlot.all[1])
        let silent = try #require(listener.listener.accepted())
        #expect(happens { one.refused(.silent) == 1 })
        let ending = try #require(listener.listener.accepted())
        ending.shutDown()
        #expect(happens { one.refused(.silent) == 2 })
        let noisy = try #require(listener.listener.accepted())
        try noisy.send([UInt8](repeating: 3, count: 400))
        #expect(happens { one.refused(.malformed) == 1 })
        withExtendedLifetime((silent, noisy)) {}
        _ = try listener.accept(as: PeerIdentity(1))
        #expect(happens { one.isConnected(to: PeerIdentity(1)) })
    }

    @Test func strangersKeepNoPeerOut() throws {
        let pair = try Pair { $0.connections = 4 }
        let strangers = try (0..<40).map { _ in try TestSocket.connected(port: pair.target.address.port) }
        #expect(happens { pair.target.count("peers_connections_given_way_total") > 20 })
        let third = try RunningPeer(2)
        third.dial(pair.target)
        #expect(happens { third.isConnected(to: pair.target.identity) })
        pair.expectUndisturbed()
        withExtendedLifetime(strangers) {}
    }

    // MARK: Frames

    /// A peer that is in somebody's hands sends what `frames` makes; the target must hear the first, and then only end the
    /// connection because of `cause`.
    private func expectEnd(_ cause: PeerRefusal, _ frames: (RawPeer) throws -> [[UInt8]]) throws {
        let pair = try Pair()
        let raw = try RawPeer(PeerIdentity(2), to: pair.target)
        try raw.socket.send(raw.sealed([100, 1]))
        #expect(happens { pair.target.frames.count == 1 })
        for frame in try frames(raw) { try? raw.socket.send(frame) }
        #expect(raw.socket.isClosedByPeer())
        #expect(pair.target.refused(cause) == 1)
        #expect(pair.target.frames.count == 1, "\(pair.target.frames.count) frames")
        pair.expectUndisturbed()
    }

    @Test func framesThatComeAgain() throws {
        let pair = try Pair()
        let raw = try RawPeer(PeerIdentity(2), to: pair.target)
        let last = raw.sealed([100, 1])
        try raw.socket.send(last)
        #expect(happens { pair.target.frames.count == 1 })
        try raw.socket.send(last)
        #expect(raw.socket.isClosedByPeer())
        #expect(pair.target.refused(.forged) == 1)
        #expect(pair.target.frames.count == 1)
        pair.expectUndisturbed()
    }

    @Test func framesThatWereMoved() throws {
        try expectEnd(.forged) { raw in
            let (second, third) = (raw.sealed([100, 2]), raw.sealed([100, 3]))
            return [third, second]
        }
    }

    @Test func framesThatWereLeftOut() throws {
        try expectEnd(.forged) { raw in
            _ = raw.sealed([100, 2])
            return [raw.sealed([100, 3])]
        }
    }

    @Test func framesThatWereChanged() throws {
        for place in [4, 5, 6, 21] {
            try expectEnd(.forged) { raw in
                var frame = raw.sealed([100, 2])
                frame[place] ^= 0x10
                return [frame]
            }
        }
    }

    @Test func framesThatWereCut() throws {
        try expectEnd(.forged) { raw in
            // The first of the next one stands for what was cut.
            [Array(raw.sealed([100, 2, 3]).dropLast(2)), raw.sealed([100, 3])]
        }
        // And at the end of everything: nothing of it is heard.
        let pair = try Pair()
        let raw = try RawPeer(PeerIdentity(2), to: pair.target)
        try raw.socket.send(raw.sealed([100, 2, 3]).dropLast(1))
        raw.socket.finishSending()
        #expect(raw.socket.isClosedByPeer())
        #expect(pair.target.frames.isEmpty)
        pair.expectUndisturbed()
    }

    @Test func framesOfAnotherConnection() throws {
        let pair = try Pair()
        let first = try RawPeer(PeerIdentity(2), to: pair.target)
        let second = try RawPeer(PeerIdentity(3), to: pair.target)
        try second.socket.send(first.sealed([100, 1]))
        #expect(second.socket.isClosedByPeer())
        #expect(pair.target.refused(.forged) == 1)
        #expect(pair.target.frames.isEmpty)
    }

    @Test(arguments: [UInt32(PeerFrame.byteLimit) + 1, 1 << 31, .max])
    func framesLongerThanAny(_ length: UInt32) throws {
        for pieces in [1, 4] {
            try expectEnd(.oversize) { raw in
                let header = withUnsafeBytes(of: length.littleEndian) { Array($0) }
                return pieces == 1 ? [header] : header.map { [$0] }
            }
        }
    }

    @Test func emptyFramesAreFrames() throws {
        let pair = try Pair()
        let raw = try RawPeer(PeerIdentity(2), to: pair.target)
        try raw.socket.send(raw.sealed([]))
        #expect(happens { pair.target.frames == [.init(from: PeerIdentity(2), bytes: [])] })
    }

    @Test func framesInPiecesAreFrames() throws {
        let pair = try Pair()
        let raw = try RawPeer(PeerIdentity(2), to: pair.target)
        let bytes = raw.sealed([100, 1, 2]) + raw.sealed([100]) + raw.sealed([UInt8](repeating: 5, count: 40))
        for byte in bytes { try raw.socket.send([byte]) }
        #expect(happens { pair.target.frames.count == 3 })
        #expect(pair.target.frames.map(\.bytes) == [[100, 1, 2], [100], [UInt8](repeating: 5, count: 40)])
    }

    // MARK: One connection for each peer

    @Test func aNewConnectionTakesThePlaceOfTheOld() throws {
        let pair = try Pair()
        let first = try RawPeer(PeerIdentity(2), to: pair.target)
        let second = try RawPeer(PeerIdentity(2), to: pair.target)
        #expect(first.socket.isClosedByPeer())
        try second.socket.send(second.sealed([100, 1]))
        #expect(happens { pair.target.frames.count == 1 })
        pair.expectUndisturbed()
    }

    @Test func aLifeThatWasReplacedDoesNotComeBack() throws {
        let pair = try Pair()
        let old = try RawPeer(PeerIdentity(2, life: 5), to: pair.target)
        let new = try RawPeer(PeerIdentity(2, life: 3), to: pair.target)
        #expect(old.socket.isClosedByPeer())
        #expect(throws: PeerRefusal.self) { try RawPeer(PeerIdentity(2, life: 5), to: pair.target) }
        #expect(pair.target.refused(.replaced) == 1)
        try new.socket.send(new.sealed([100, 1]))
        #expect(happens { pair.target.frames.count == 1 })
        pair.expectUndisturbed()
    }
}
