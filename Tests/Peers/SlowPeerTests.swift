import Consensus
import EventLoop
import Peers
import Protocol
import TestSupport
import Testing

/// A peer that is connected and reads nothing.
@Suite(.timeLimit(.minutes(3)))
struct SlowPeerTests {
    private static let limit = 2 << 20

    /// - Parameter patience: in milliseconds; it is not to be taken for gone meanwhile.
    private func slowPeer(
        patience: Int32 = 100_000
    ) throws -> (one: RunningPeer, slow: TestSocket, identity: PeerIdentity) {
        let one = try RunningPeer(0) {
            $0.waitingBytes = Self.limit
            $0.urgentBytes = 10_000
            $0.relayedBytes = 20_000
            $0.silenceMilliseconds = patience
        }
        let (listener, identity) = (try RawListener(), PeerIdentity(1))
        one.transport.setAddresses([.loopback(port: listener.port)], of: identity.slot)
        let slow = try listener.accept(as: identity)
        guard happens({ one.isConnected(to: identity) }) else { throw TestFailure("it does not connect") }
        return (one, slow, identity)
    }

    /// Sends until nothing is taken any more; how many frames were.
    private func fill(_ one: RunningPeer, _ peer: PeerIdentity, _ frame: EncodedFrame) -> Int {
        var taken = 0
        // What the kernel takes makes room again for a while.
        var refused = 0
        while refused < 200, taken < 20_000 {
            if one.transport.send(frame, to: peer.slot) {
                taken += 1
            } else {
                refused += 1
                _ = happens(within: 0.002) { false }
            }
        }
        return taken
    }

    @Test func whatWaitsIsBoundedAndTheRestIsDropped() throws {
        let (one, slow, identity) = try slowPeer()
        let taken = fill(one, identity, testFrame([UInt8](repeating: 1, count: 50_000)))
        #expect(taken < 20_000)
        #expect(one.waitingBytes <= UInt64(Self.limit))
        #expect(one.waitingBytes > UInt64(Self.limit) - 100_000)
        #expect(one.count("peers_frames_dropped_total") >= 200)
        #expect(one.lost.isEmpty)
        // What was taken comes, all of it, once there is room.
        let reader = try SystemThread(name: "reader") {
            for _ in 0..<taken { _ = try? slow.receive(50_001 + FrameSeal.overhead) }
        }
        reader.join()
        #expect(happens { one.waitingBytes == 0 })
        #expect(one.transport.send(testFrame([1]), to: identity.slot))
    }

    @Test func urgentFramesOvertake() throws {
        let (one, slow, identity) = try slowPeer()
        let taken = fill(one, identity, testFrame([UInt8](repeating: 1, count: 50_000)))
        #expect(one.transport.send(testFrame([2], .urgent), to: identity.slot))
        var overtaken = taken
        for place in 0...taken {
            let header = try slow.receive(FrameSeal.headerSize)
            let length = header.reversed().reduce(0) { $0 << 8 | Int($1) }
            _ = try slow.receive(length + FrameSeal.macSize)
            if length == 2 { overtaken = taken - place }
        }
        #expect(overtaken > 10, "\(overtaken) of \(taken) frames")
    }

    @Test func urgentFramesAreBoundedToo() throws {
        let (one, slow, identity) = try slowPeer()
        _ = fill(one, identity, testFrame([UInt8](repeating: 1, count: 50_000)))
        let taken = fill(one, identity, testFrame([UInt8](repeating: 2, count: 1_000), .urgent))
        #expect(taken < 10)
        withExtendedLifetime(slow) {}
    }

    /// However much clients send to a follower, its groups have their room, and their turn before.
    @Test func whatIsPassedOnKeepsNothingElseOut() throws {
        let (one, slow, identity) = try slowPeer()
        _ = fill(one, identity, testFrame([UInt8](repeating: 1, count: 50_000)))
        let passedOn = fill(one, identity, testFrame([UInt8](repeating: 2, count: 1_000), .relayed))
        #expect((1..<20).contains(passedOn))
        let (other, idle, otherIdentity) = try slowPeer()
        _ = fill(other, otherIdentity, testFrame([UInt8](repeating: 2, count: 1_000), .relayed))
        #expect(other.transport.send(testFrame([3]), to: otherIdentity.slot))
        withExtendedLifetime((slow, idle)) {}
    }

    @Test func theOthersDoNotNotice() throws {
        let (one, slow, identity) = try slowPeer()
        let other = try RunningPeer(2)
        one.dial(other)
        _ = fill(one, identity, testFrame([UInt8](repeating: 1, count: 50_000)))
        #expect(one.send(testFrame([3]), to: other.identity))
        #expect(happens { other.frames.count == 1 })
        withExtendedLifetime(slow) {}
    }

    @Test func whoTakesNothingForLongIsGone() throws {
        let (one, slow, identity) = try slowPeer(patience: 300)
        _ = fill(one, identity, testFrame([UInt8](repeating: 1, count: 50_000)))
        #expect(happens { one.lost == [identity] })
        withExtendedLifetime(slow) {}
    }

    /// What waited goes with the connection, and its memory.
    @Test func nothingOutlivesTheConnection() throws {
        let (one, slow, identity) = try slowPeer()
        _ = fill(one, identity, testFrame([UInt8](repeating: 1, count: 50_000)))
        slow.shutDown()
        #expect(happens { one.lost == [identity] })
        #expect(one.waitingBytes == 0)
    }
}
