import EventLoop
import Protocol

/// Fetches pages of blocks and checks them: block services, or a test.
package protocol PageFetching: AnyObject {
    /// Fetches `range` (whole pages) of a block into `memory` and calls `completion` once, later. The data is right if
    /// it succeeds.
    func fetch(
        _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer,
        completion: @escaping (Result<Void, ClientError>) -> Void)
}

/// Fetches from the block services of a cluster.
package final class ServicePageFetcher: PageFetching {
    private let connections: BlockConnectionPool

    package init(connections: BlockConnectionPool) {
        self.connections = connections
    }

    package func fetch(
        _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer,
        completion: @escaping (Result<Void, ClientError>) -> Void
    ) {
        let request = FetchBlockWithCrcRequest(
            fileId: .null, blockId: source.block, blockCrc: source.crc, offset: UInt32(clamping: range.lowerBound),
            count: UInt32(clamping: range.count))
        let operation = BlockOperation(
            request, source.service, answer: .pages(destination: memory.base, bytes: range.count)
        ) { result in
            // Keeps the destination until the last byte has come or will not come.
            withExtendedLifetime(memory) { completion(result.map { _ in () }) }
        }
        connections.submit(operation, purpose: .fetch)
    }
}
