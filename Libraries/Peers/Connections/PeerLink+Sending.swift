import EventLoop

extension PeerLink {
    /// Bytes that the kernel and the connection hold. More would not go out sooner, and cannot be overtaken by what is
    /// urgent.
    static let kernelBytes: Int32 = 256 << 10
    private static let chunkBytes = 256 << 10

    /// Hands what waits to the connection, as long as that has not enough.
    func flush() {
        while let connection, let established, connection.unsentBytes < Self.chunkBytes {
            let frames = outbox.take(atMost: Self.chunkBytes)
            guard !frames.isEmpty else { return }
            transport.sent.add(UInt64(frames.count))
            let chunk = SealedChunk(frames, established.seal)
            connection.write(chunk.bytes) { [weak self, outbox] error in
                outbox.hasSent(chunk.weight)
                if error == nil { self?.flush() }
            }
        }
    }
}
