extension CdcService {
    /// Takes no new requests, finishes the old ones, and leaves log and state in order.
    func stop(_ done: @escaping () -> Void) {
        watching?.cancel()
        loop.task { [clockWatch] in await clockWatch.close() }
        keeper.handOver { [self] in finish(done) }
    }

    private func finish(_ done: @escaping () -> Void) {
        registry.stop()
        pipeline.finish { [self] in
            keeper.stop()
            clients.close()
            shardSocket.close()
            flusher.stop()
            // Until then entries are delivered to the pipeline.
            storage.close(on: loop, logger) { [self] in
                peers?.close()
                done()
            }
        }
    }
}
