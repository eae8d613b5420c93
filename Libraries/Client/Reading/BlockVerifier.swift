import Erasure
import EventLoop
import Protocol

/// Tells whether pages are those that were written where they were found. A page's own checksum lies beside it on the
/// disk, so pages and blocks that changed places keep a right one; only the block's checksum, which the shard knows,
/// tells. What covers a whole block is compared with that. For parts of a block the checksums of all its pages are
/// fetched first, once, compared with it, and kept.
///
/// Needs FETCH_PAGE_SUMS of the block services for parts of blocks; those of others are believed, as other clients do.
/// Which services know it is found out with the first request to each, and remembered. Confined to the loop.
package final class BlockVerifier {
    private enum Known {
        case underway([(Result<PageSums?, ClientError>) -> Void])
        case sums(PageSums)
    }

    private let loop: any Loop
    private let fetcher: any PageFetching
    private let budgetBytes: Int
    private var blocks: [BlockID: Known] = [:]
    private var usedBytes = 0
    private var services = PageSumsServices()
    /// Whether there are block services in the cluster that know FETCH_PAGE_SUMS.
    package var asksForSums = false

    /// - Parameter budgetBytes: for checksums kept; a thousandth of the data that they stand for.
    package init(loop: any Loop, fetcher: any PageFetching, budgetBytes: Int) {
        self.loop = loop
        self.fetcher = fetcher
        self.budgetBytes = budgetBytes
    }

    /// Begins to fetch what verifying a part of this block will need.
    func prepare(_ source: BlockSource, blockBytes: Int, _ range: Range<Int>) {
        if range.count < blockBytes, asksForSums { sums(of: source, blockBytes) { _ in } }
    }

    /// Calls `body`, now or later, with nil when the pages with checksums `found` belong at `range` of the block.
    /// Otherwise the cause is BAD_BLOCK_CRC when the block as a whole is not what it should be, `corruptPage` when these
    /// pages are not, or why that cannot be known.
    func verify(
        _ source: BlockSource, blockBytes: Int, _ range: Range<Int>, _ found: PageSums,
        _ body: @escaping (ClientError?) -> Void
    ) {
        if range.count == blockBytes { return body(found.joined == source.crc ? nil : Self.wrongBlock(source)) }
        guard asksForSums else { return body(nil) }
        sums(of: source, blockBytes) { result in
            switch result {
            case .failure(let error): body(error)
            case .success(nil): body(nil)
            case .success(let sums?):
                let isRight = sums.contains(found, from: range.lowerBound / ClientLimits.pageBytes)
                body(isRight ? nil : ClientError(.corruptPage, "read of block \(source.block)", "pages of elsewhere"))
            }
        }
    }

    private func sums(
        of source: BlockSource, _ blockBytes: Int, _ body: @escaping (Result<PageSums?, ClientError>) -> Void
    ) {
        switch blocks[source.block] {
        case .sums(let sums): return body(.success(sums))
        case .underway(let waiters): blocks[source.block] = .underway(waiters + [body])
        case nil:
            switch services.ability(of: source.service.id, now: loop.monotonicNanoseconds) {
            case .knows: ask(source, blockBytes, isTrial: false, body)
            case .unknown: ask(source, blockBytes, isTrial: true, body)
            case .lacks: body(.success(nil))
            case .underTrial:
                services.awaitTrial(of: source.service.id) { [weak self] error in
                    if let error { return body(.failure(error)) }
                    self?.sums(of: source, blockBytes, body)
                }
            }
        }
    }

    private func ask(
        _ source: BlockSource, _ blockBytes: Int, isTrial: Bool,
        _ body: @escaping (Result<PageSums?, ClientError>) -> Void
    ) {
        makeRoom()
        blocks[source.block] = .underway([body])
        let sums = PageSums(ofBytes: blockBytes)
        if isTrial { services.beginTrial(of: source.service.id) }
        fetcher.fetchSums(source, into: sums, isTrial: isTrial) { [weak self] result in
            self?.arrived(source, sums, result)
        }
    }

    private func arrived(_ source: BlockSource, _ sums: PageSums, _ result: Result<Void, ClientError>) {
        let outcome: Result<PageSums?, ClientError>
        switch result {
        case .success: outcome = sums.joined == source.crc ? .success(sums) : .failure(Self.wrongBlock(source))
        // A server of the base protocol, or one that was not brought up to date yet.
        case .failure(let error) where error.isRefusal(.malformedRequest): outcome = .success(nil)
        case .failure(let error): outcome = .failure(error)
        }
        guard case .underway(let waiters) = blocks[source.block] else { return }
        if case .success(let known?) = outcome {
            blocks[source.block] = .sums(known)
            usedBytes += sums.count * 4
        } else {
            blocks[source.block] = nil
        }
        let others = services.answered(source.service.id, result, now: loop.monotonicNanoseconds)
        for waiter in waiters { waiter(outcome) }
        others()
    }

    /// Forgets all it knows when that is too much; it is soon known again.
    private func makeRoom() {
        guard usedBytes > budgetBytes else { return }
        blocks = blocks.filter { if case .underway = $0.value { true } else { false } }
        usedBytes = 0
    }

    private static func wrongBlock(_ source: BlockSource) -> ClientError {
        ClientError(.refused(.badBlockCrc), "read of block \(source.block)", "its content is not what was written")
    }
}
