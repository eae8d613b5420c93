import EventLoop
import Protocol

/// Fetches pages of blocks and checks each against its own checksum: block services, or a test.
package protocol PageFetching: AnyObject {
    /// Fetches `range` (whole pages) of a block into `memory` and calls `completion` once, later. If it succeeds every
    /// page matches the checksum that came with it, and `sums` are these checksums.
    func fetch(
        _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer, sums: PageSums,
        completion: @escaping (Result<Void, ClientError>) -> Void)

    /// Fetches the checksums of all pages of a block, as its service has them.
    /// - Parameter isTrial: whether the service knows the request is to be found out.
    func fetchSums(
        _ source: BlockSource, into sums: PageSums, isTrial: Bool,
        completion: @escaping (Result<Void, ClientError>) -> Void)
}

/// Fetches from the block services of a cluster.
package final class ServicePageFetcher: PageFetching {
    private let blocks: any BlockExchange

    package init(blocks: any BlockExchange) {
        self.blocks = blocks
    }

    package func fetch(
        _ source: BlockSource, _ range: Range<Int>, into memory: PooledBuffer, sums: PageSums,
        completion: @escaping (Result<Void, ClientError>) -> Void
    ) {
        let request = FetchBlockWithCrcRequest(
            fileId: .null, blockId: source.block, blockCrc: source.crc, offset: UInt32(clamping: range.lowerBound),
            count: UInt32(clamping: range.count))
        let answer = BlockOperation.Answer.pages(destination: memory.base, bytes: range.count, sums: sums.values)
        let operation = BlockOperation(request, source.service, answer: answer) { result in
            // Keeps the destinations until the last byte has come or will not come.
            withExtendedLifetime((memory, sums)) { completion(result.map { _ in () }) }
        }
        blocks.submit(operation, purpose: .fetch)
    }

    package func fetchSums(
        _ source: BlockSource, into sums: PageSums, isTrial: Bool,
        completion: @escaping (Result<Void, ClientError>) -> Void
    ) {
        let request = FetchPageSumsRequest(
            blockId: source.block, size: UInt32(clamping: sums.count * ClientLimits.pageBytes))
        let answer = BlockOperation.Answer.bytes(destination: sums.values, count: sums.count * 4)
        let operation = BlockOperation(request, source.service, answer: answer) { result in
            if case .success = result { sums.convertFromLittleEndian() }
            completion(result.map { _ in () })
        }
        blocks.submit(operation, purpose: isTrial ? .trial : .fetch)
    }
}
