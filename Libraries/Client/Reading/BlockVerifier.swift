import Erasure
import Protocol

/// Tells whether pages are those that were written where they were found. A page's own checksum lies beside it on the
/// disk, so pages and blocks that changed places keep a right one; only the block's checksum, which the shard knows,
/// tells. What covers a whole block is compared with that. For parts of a block the checksums of all its pages are
/// fetched first, once, compared with it, and kept.
///
/// Needs FETCH_PAGE_SUMS of the block services for parts of blocks; elsewhere those are believed, as other clients do.
/// Confined to the loop.
package final class BlockVerifier {
    private enum Known {
        case underway([(Result<PageSums?, ClientError>) -> Void])
        /// nil: its service does not tell.
        case sums(PageSums?)
    }

    private let fetcher: any PageFetching
    private let budgetBytes: Int
    private var blocks: [BlockID: Known] = [:]
    private var usedBytes = 0
    /// Whether the cluster's block services know FETCH_PAGE_SUMS.
    package var asksForSums = false

    /// - Parameter budgetBytes: for checksums kept; a thousandth of the data that they stand for.
    package init(fetcher: any PageFetching, budgetBytes: Int) {
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
            makeRoom()
            blocks[source.block] = .underway([body])
            let sums = PageSums(ofBytes: blockBytes)
            fetcher.fetchSums(source, into: sums) { [weak self] result in self?.arrived(source, sums, result) }
        }
    }

    private func arrived(_ source: BlockSource, _ sums: PageSums, _ result: Result<Void, ClientError>) {
        let outcome: Result<PageSums?, ClientError>
        switch result {
        case .success: outcome = sums.joined == source.crc ? .success(sums) : .failure(Self.wrongBlock(source))
        // A server that was not brought up to date yet.
        case .failure(let error) where error.isRefusal(.malformedRequest): outcome = .success(nil)
        case .failure(let error): outcome = .failure(error)
        }
        guard case .underway(let waiters) = blocks[source.block] else { return }
        if case .success(let known) = outcome {
            blocks[source.block] = .sums(known)
            usedBytes += sums.count * 4
        } else {
            blocks[source.block] = nil
        }
        for waiter in waiters { waiter(outcome) }
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
