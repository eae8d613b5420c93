import EventLoop
import Mutations
import Protocol

/// A connection that somebody has made to this process: a handshake, then a peer's frames. Confined to its loop.
final class IncomingPeer: AcceptedConnection {
    private let connection: TCPConnection
    private unowned let acceptor: PeerAcceptor
    private let since: UInt64
    private var handshake: AcceptingHandshake
    private var awaitsProof = false
    /// The beginning of a message of the handshake.
    private var received: [UInt8] = []
    /// Once the peer has proved who it is.
    private(set) var identity: PeerIdentity?
    private var seal: FrameSeal?
    private var assembly = FrameAssembly()
    private var isClosed = false

    init(_ connection: TCPConnection, _ acceptor: PeerAcceptor, _ handshake: AcceptingHandshake) {
        self.connection = connection
        self.acceptor = acceptor
        self.handshake = handshake
        since = acceptor.loop.monotonicNanoseconds
    }

    func start() {
        connection.noticeSilence(milliseconds: acceptor.settings.silenceMilliseconds)
        connection.onData = { [unowned self] in receive($0) }
        connection.onEnd = { [unowned self] _ in close() }
        connection.resumeReading()
    }

    var peer: SocketAddress { connection.peer }

    /// For the log.
    var who: PeerTroubles.Who { .host(peer.address, handshake.claimedSlot) }

    /// A peer never gives way to a stranger.
    var standing: ConnectionStanding { identity == nil ? .silent(since: since) : .busy }

    /// For its handshake, on which nobody has to wait for anybody.
    func hasExpired(at now: UInt64) -> Bool {
        identity == nil && now - since > acceptor.settings.handshakeNanoseconds
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if identity == nil, !acceptor.isClosing { acceptor.troubles.add(.here(.silent), who) }
        connection.close()
        acceptor.isClosed(self)
    }

    /// - Parameter farewell: what the other end is told.
    private func close(because failure: PeerFailure, farewell: [UInt8] = []) {
        guard !isClosed else { return }
        isClosed = true
        acceptor.troubles.add(failure, who)
        connection.onData = nil
        connection.write(farewell)
        connection.closeAfterWriting()
        acceptor.isClosed(self)
    }

    // MARK: Receiving

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        guard seal == nil else { return receiveFrames(bytes) }
        let size = awaitsProof ? PeerProof.wireSize : PeerHello.wireSize
        let taken = bytes.prefix(size - received.count)
        received.append(contentsOf: taken)
        guard received.count == size else { return }
        let message = received
        received = []
        if awaitsProof { takeProof(message) } else { takeHello(message) }
        let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(taken.count))
        if !isClosed, !rest.isEmpty { receive(rest) }
    }

    private func takeHello(_ message: [UInt8]) {
        do throws(PeerRefusal) {
            connection.write(try handshake.answer(to: message) { acceptor.isReplaced($0) }.bytes)
            awaitsProof = true
            if Mutation.strangersReplacePeers.isPlanted { acceptor.close(handshake.claimedSlot) }
        } catch {
            let answer = PeerAnswer(
                refusal: error.wireValue, from: PeerMember(acceptor.own.member), nonce: .zero, proof: .zero)
            // Who speaks something else is told nothing.
            close(because: .here(error), farewell: error == .malformed ? [] : answer.bytes)
        }
    }

    private func takeProof(_ message: [UInt8]) {
        if let failure = handshake.refusal(in: message) { return close(because: failure) }
        do throws(PeerRefusal) {
            let (peer, welcome, frameKey) = try handshake.welcome(message)
            identity = peer
            seal = FrameSeal(key: frameKey)
            connection.write(welcome.bytes)
            acceptor.hasProved(self, peer)
        } catch {
            close(because: .here(error), farewell: PeerProof(refusal: error.wireValue, proof: .zero).bytes)
        }
    }

    private func receiveFrames(_ bytes: UnsafeRawBufferPointer) {
        do throws(PeerRefusal) {
            try assembly.take(bytes) { frame in
                open(frame)
                return !isClosed
            }
        } catch {
            close(because: .here(error))
        }
    }

    private func open(_ frame: UnsafeRawBufferPointer) {
        guard let identity, let bytes = seal?.open(frame) else { return close(because: .here(.forged)) }
        acceptor.receive(bytes, from: identity)
    }
}
