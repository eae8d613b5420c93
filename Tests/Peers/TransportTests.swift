import Consensus
import EventLoop
import Peers
import Protocol
import TestSupport
import Testing

/// Processes that find each other, lose each other, and talk in between.
@Suite(.timeLimit(.minutes(3)))
struct TransportTests {
    @Test func twoPeersTalkInBothDirections() throws {
        let (one, two) = (try RunningPeer(0), try RunningPeer(1))
        one.dial(two)
        two.dial(one)
        #expect(one.send(testFrame([1]), to: two.identity))
        #expect(two.send(testFrame([2]), to: one.identity))
        #expect(happens { two.frames == [.init(from: one.identity, bytes: [100, 1])] })
        #expect(happens { one.frames == [.init(from: two.identity, bytes: [100, 2])] })
        #expect(one.isConnected(to: two.identity) && two.isConnected(to: one.identity))
        #expect(one.lost.isEmpty && two.lost.isEmpty)
    }

    @Test func threePeersKnowWhoSaysWhat() throws {
        let peers = try (0..<3).map { try RunningPeer($0) }
        for peer in peers {
            for other in peers where other !== peer { peer.dial(other) }
        }
        for (number, peer) in peers.enumerated() {
            for other in peers where other !== peer {
                #expect(peer.send(testFrame([UInt8(number)]), to: other.identity))
            }
        }
        for (number, peer) in peers.enumerated() {
            let others = peers.enumerated().filter { $0.offset != number }
            #expect(happens { peer.frames.count == 2 })
            for (theirs, other) in others {
                #expect(peer.frames.contains(.init(from: other.identity, bytes: [100, UInt8(theirs)])))
            }
        }
    }

    @Test func framesOfAllSizesKeepTheirOrder() throws {
        let (one, two) = (try RunningPeer(0), try RunningPeer(1))
        one.dial(two)
        var random = SeededGenerator(seed: 1)
        let sizes = (0..<300).map { _ in random.pick([0, 1, 100, 5_000, 70_000, 300_000]) } + [PeerFrame.byteLimit - 1]
        let contents = sizes.enumerated().map { place, size in
            [UInt8](repeating: UInt8(truncatingIfNeeded: place), count: size)
        }
        for content in contents { #expect(one.send(testFrame(content), to: two.identity)) }
        #expect(happens { two.frames.count == contents.count })
        for (frame, content) in zip(two.frames, contents) { #expect(areEqual(frame.bytes, [100] + content)) }
        #expect(happens { one.waitingBytes == 0 })
    }

    @Test func manyThreadsSend() throws {
        let (one, two) = (try RunningPeer(0), try RunningPeer(1))
        one.dial(two)
        #expect(happens { one.isConnected(to: two.identity) })
        let threads = try (0..<4).map { thread in
            try SystemThread(name: "sender") {
                for number in 0..<250 {
                    _ = one.transport.send(testFrame([UInt8(thread), UInt8(number)]), to: two.identity.slot)
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(happens { two.frames.count == 1_000 })
        for thread in UInt8(0)..<4 {
            #expect(two.frames.map(\.bytes).filter { $0[1] == thread }.map { $0[2] } == Array(0..<250))
        }
    }

    @Test func whoIsNotConnectedIsSentNothing() throws {
        let one = try RunningPeer(0)
        #expect(!one.transport.send(testFrame([1]), to: ReplicaSlot.all[1]))
        #expect(!one.transport.send(testFrame([1]), to: one.identity.slot))
        #expect(one.count("peers_frames_unconnected_total") == 2)
        #expect(one.waitingBytes == 0)
    }

    // MARK: Losing each other

    @Test func aPeerThatStartsAgainIsFoundAgain() throws {
        let (one, two) = (try RunningPeer(0), try RunningPeer(1))
        one.dial(two)
        two.dial(one)
        #expect(happens { one.isConnected(to: two.identity) && two.isConnected(to: one.identity) })
        var current = two
        for round in 1...3 {
            current.stop()
            #expect(happens { one.lost.count == round })
            #expect(!one.transport.send(testFrame([1]), to: two.identity.slot))
            current = try RunningPeer(1, at: two.address)
            #expect(one.send(testFrame([UInt8(round)]), to: two.identity))
            #expect(happens { current.frames == [.init(from: one.identity, bytes: [100, UInt8(round)])] })
        }
    }

    @Test func brokenConnectionsAreMadeAnew() throws {
        let one = try RunningPeer(0)
        let listener = try RawListener()
        let other = PeerIdentity(1)
        one.transport.setAddresses([.loopback(port: listener.port)], of: other.slot)
        for round in 1...4 {
            let socket = try listener.accept(as: other)
            #expect(happens { one.connected.count == round })
            // Once in good order, once in the middle of a frame, once with a word that does not belong there.
            if round == 2 { #expect(one.send(testFrame([9]), to: other)) }
            if round == 3 { try socket.send([1]) }
            withExtendedLifetime(socket) {}
            socket.shutDown()
            #expect(happens { one.lost.count == round })
        }
    }

    // MARK: Addresses

    @Test func addressesMayChange() throws {
        let (one, two) = (try RunningPeer(0), try RunningPeer(1))
        let nowhere = try deadAddress()
        one.transport.setAddresses([nowhere], of: two.identity.slot)
        #expect(happens { one.count("peers_unreached_total") > 1 })
        #expect(one.pages.lines.count == 1)
        one.dial(two)
        #expect(happens { one.isConnected(to: two.identity) })
        // It stays connected where it still is, and is left where it is no more.
        one.transport.setAddresses([nowhere, two.address], of: two.identity.slot)
        #expect(one.send(testFrame([1]), to: two.identity))
        #expect(happens { two.frames.count == 1 })
        #expect(one.lost.isEmpty)
        one.transport.setAddresses([], of: two.identity.slot)
        #expect(happens { one.lost == [two.identity] })
    }

    @Test func eitherAddressWillDo() throws {
        let (one, two) = (try RunningPeer(0), try RunningPeer(1))
        one.transport.setAddresses([try deadAddress(), two.address], of: two.identity.slot)
        #expect(happens { one.isConnected(to: two.identity) })
    }

    /// An address may still be that of a process whose disk was replaced. Who is connected is not lost for it.
    @Test func anOldAddressDoesNotEndWhoIsConnected() throws {
        let one = try RunningPeer(0)
        let (old, new) = (try RunningPeer(1, life: 9), try RunningPeer(1, life: 2))
        new.dial(one)
        #expect(new.send(testFrame([1]), to: one.identity))
        one.dial(old)
        #expect(happens { one.refused(.replaced) > 1 })
        #expect(new.send(testFrame([2]), to: one.identity))
        #expect(happens { one.frames.count == 2 })
        #expect(one.connected.isEmpty && new.lost.isEmpty)
        one.dial(new)
        #expect(happens { one.isConnected(to: new.identity) })
    }

    /// Where nobody listens.
    private func deadAddress() throws -> SocketAddress {
        let stopped = try RunningPeer(4)
        stopped.stop()
        return stopped.address
    }

    // MARK: Keys

    @Test func clustersWithoutAKeyAndThoseThatGetOne() throws {
        let pairs: [(KeyRing, KeyRing)] = [(.open, .open), (.both, .open), (.both, .both), (.both, .ofTests)]
        for (left, right) in pairs {
            let (one, two) = (try RunningPeer(0, keys: left), try RunningPeer(1, keys: right))
            one.dial(two)
            two.dial(one)
            #expect(happens { one.isConnected(to: two.identity) && two.isConnected(to: one.identity) })
        }
    }

    // MARK: Lives of a disk

    @Test func aNewLifeTakesThePlaceOfTheOld() throws {
        let one = try RunningPeer(0)
        let (old, new) = (try RunningPeer(1, life: 9), try RunningPeer(1, life: 2))
        one.dial(old)
        #expect(happens { one.isConnected(to: old.identity) })
        // It says so itself, though the address of the old one is all that is known.
        new.dial(one)
        #expect(happens { one.lost == [old.identity] })
        one.dial(new)
        #expect(happens { one.isConnected(to: new.identity) })
    }
}
