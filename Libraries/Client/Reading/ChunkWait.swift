/// Waits until all of some chunks are ready, or one has failed. Confined to the loop.
final class ChunkWait {
    private var missing: Int
    private var failure: ClientError?
    private var continuation: UnsafeContinuation<Void, Never>?

    init(_ chunks: [Chunk?]) {
        let waited = chunks.compactMap { $0 }.filter { !$0.isReady }
        missing = waited.count
        for chunk in waited {
            chunk.whenReady { result in
                if case .failure(let error) = result, self.failure == nil { self.failure = error }
                self.missing -= 1
                self.resumeIfDone()
            }
        }
    }

    nonisolated(nonsending) func wait() async throws(ClientError) {
        if missing > 0, failure == nil {
            await withUnsafeContinuation { continuation = $0 }
        }
        if let failure { throw failure }
    }

    private func resumeIfDone() {
        guard missing == 0 || failure != nil else { return }
        continuation?.resume()
        continuation = nil
    }
}
