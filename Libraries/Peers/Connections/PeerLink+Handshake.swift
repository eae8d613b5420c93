import EventLoop
import Protocol

extension PeerLink {
    /// A connection is made: both ends prove who they are.
    func begin(_ connection: TCPConnection) {
        self.connection = connection
        let handshake = DiallingHandshake(own: transport.identity, to: slot, key: keys[keyTries % keys.count])
        self.handshake = handshake
        timer = loop.timer(afterNanoseconds: settings.handshakeNanoseconds) { [weak self] in
            self?.fail(.here(.silent))
        }
        connection.noticeSilence(milliseconds: settings.silenceMilliseconds)
        connection.limitUnsentInKernel(bytes: Self.kernelBytes)
        connection.onData = { [unowned self] in receive($0) }
        connection.onEnd = { [unowned self] _ in hasEnded() }
        connection.resumeReading()
        connection.write(handshake.hello.bytes)
    }

    private func hasEnded() {
        if handshake != nil { return fail(.here(.silent)) }
        endAndDialLater()
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        // Nothing comes behind the handshake.
        guard let handshake, received.count + bytes.count <= handshake.awaitedSize else {
            return fail(.here(.malformed))
        }
        received.append(contentsOf: bytes)
        guard received.count == handshake.awaitedSize else { return }
        let message = received
        received = []
        if let failure = handshake.refusal(in: message) { return fail(failure) }
        if handshake.awaitedSize == PeerAnswer.wireSize { takeAnswer(message) } else { takeWelcome(message) }
    }

    private func takeAnswer(_ message: [UInt8]) {
        do throws(PeerRefusal) {
            let proof = try handshake?.proof(answering: message) { transport.isRemnant($0) }
            if let proof { connection?.write(proof.bytes) }
        } catch {
            fail(.here(error), farewell: PeerProof(refusal: error.wireValue, proof: .zero).bytes)
        }
    }

    private func takeWelcome(_ message: [UInt8]) {
        do throws(PeerRefusal) {
            guard let (peer, frameKey) = try handshake?.welcomed(message) else { return }
            timer?.cancel()
            timer = nil
            handshake = nil
            established = (peer, FrameSeal(key: frameKey), loop.monotonicNanoseconds)
            outbox.open()
            transport.troubles.forget(.slot(slot))
            transport.hasProved(peer)
            transport.onConnected?(peer)
        } catch {
            fail(.here(error))
        }
    }

    /// - Parameter farewell: what the other end is told.
    private func fail(_ failure: PeerFailure, farewell: [UInt8] = []) {
        if !farewell.isEmpty, let connection {
            self.connection = nil
            connection.onData = nil
            connection.onEnd = nil
            connection.write(farewell)
            connection.closeAfterWriting()
        }
        if failure.cause == .key {
            keyTries += 1
            // There is another key, as the cluster moves from one to the other.
            if keyTries % keys.count != 0 { return endAndDialLater() }
        }
        transport.troubles.add(failure, .slot(slot))
        addressTries += 1
        endAndDialLater()
    }
}
