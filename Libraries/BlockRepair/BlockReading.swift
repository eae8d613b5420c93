import Client
import Erasure
import EventLoop
import Protocol

/// The right content of blocks that are to be replaced: copied from where they are, or computed from others.
struct BlockReading<Cluster: RepairCluster>: Sendable {
    /// The bytes of a block, proved by the checksum in the metadata.
    struct Content: Sendable {
        let index: Int
        let memory: PooledBuffer
        let isCopied: Bool
    }

    private struct Fetched: Sendable {
        let index: Int
        var error: ClientError?
    }

    let context: RepairContext<Cluster>
    let copy: SpanCopy
    /// Blocks that are to leave, but may be read.
    var movable: [Int] = []
    /// Blocks that are no source.
    var unusable: [Int] = []
    /// Sources that could not be read, and why.
    private var errors: [Int: ClientError] = [:]
    /// Sources that proved to be missing or wrong.
    private(set) var disproved: Set<Int> = []
    private var readBytes = 0

    init(context: RepairContext<Cluster>, copy: SpanCopy) {
        self.context = context
        self.copy = copy
    }

    /// Bytes read since the last call.
    mutating func takeReadBytes() -> Int {
        defer { readBytes = 0 }
        return readBytes
    }

    /// The contents of `wanted`, in that order.
    mutating func contents(of wanted: [Int]) async throws(RepairError) -> [Content] {
        let now = context.cluster.monotonicNanoseconds
        let promising = wanted.filter {
            movable.contains($0) && !context.services.isAvoided(copy.blocks[$0].service.id, now: now)
        }
        var contents = try await copies(of: promising)
        do throws(RepairError) {
            contents += try await rebuild(wanted.without(contents))
        } catch {
            // In need also from services that could not be reached lately.
            let untried = wanted.without(contents).filter { movable.contains($0) && errors[$0] == nil }
            guard case .tooFewSources = error.cause, !untried.isEmpty else { throw error }
            contents += try await copies(of: untried)
            contents += try await rebuild(wanted.without(contents))
        }
        return contents.sorted { $0.index < $1.index }
    }

    // MARK: Copying

    private mutating func copies(of wanted: [Int]) async throws(RepairError) -> [Content] {
        let bytes = copy.layout.blockBytes
        let memory = try take(wanted.count, bytes)
        let fetched = await fetch(wanted, 0..<bytes, into: memory)
        var contents: [Content] = []
        for (position, result) in fetched.enumerated() {
            let (index, buffer) = (result.index, memory[position])
            var error = result.error
            if error == nil {
                let sum = await Self.onWorker { Castagnoli.sum(UnsafeRawPointer(buffer.base), bytes) }
                if sum != copy.blocks[index].crc.rawValue { error = wrongSum(index) }
            }
            if let error {
                errors[index] = error
            } else {
                contents.append(Content(index: index, memory: buffer, isCopied: true))
            }
        }
        return contents
    }

    // MARK: Computing

    /// From any D others. Sources that fail are replaced by others until there are too few.
    private mutating func rebuild(_ wanted: [Int]) async throws(RepairError) -> [Content] {
        guard !wanted.isEmpty else { return [] }
        while true {
            let sources = sources(except: wanted)
            guard sources.count == copy.layout.dataBlocks else {
                throw RepairError(
                    .tooFewSources(found: sources.count, needed: copy.layout.dataBlocks), file: copy.file,
                    byteOffset: copy.byteOffset, sourceErrors: errors.sorted { $0.key < $1.key }.map(\.value))
            }
            let outputs = try take(wanted.count, copy.layout.blockBytes)
            let failed = try await decode(wanted, into: outputs, from: sources)
            if failed.isEmpty {
                return zip(wanted, outputs).map { Content(index: $0, memory: $1, isCopied: false) }
            }
            for failure in failed {
                errors[failure.index] = failure.error
                if failure.error?.provesBlockBroken == true { disproved.insert(failure.index) }
            }
            guard !Task.isCancelled else {
                throw RepairError(.request(ClientError(.closed, "repair")), file: copy.file)
            }
        }
    }

    /// D blocks to read, the ones that are likely to be there first, else by chance, so that all disks get their share.
    private func sources(except wanted: [Int]) -> [Int] {
        let now = context.cluster.monotonicNanoseconds
        let candidates = copy.blocks.indices.filter {
            !wanted.contains($0) && !unusable.contains($0) && errors[$0] == nil
        }
        let ranked = candidates.shuffled().map { index in
            let service = copy.blocks[index].service
            let isDoubtful = !service.flags.isReadable || context.services.isAvoided(service.id, now: now)
            return (index: index, rank: isDoubtful || movable.contains(index) ? 1 : 0)
        }
        return ranked.sorted { $0.rank < $1.rank }.prefix(copy.layout.dataBlocks).map(\.index).sorted()
    }

    /// Piece by piece. Returns the sources that failed; if none did, `outputs` hold the blocks and are proved.
    private mutating func decode(
        _ wanted: [Int], into outputs: [PooledBuffer], from sources: [Int]
    ) async throws(RepairError) -> [Fetched] {
        let (bytes, pieceBytes) = (copy.layout.blockBytes, context.options.pieceBytes)
        guard
            let code = ReedSolomon.shared(
                dataBlocks: copy.layout.dataBlocks, parityBlocks: copy.layout.blocks - copy.layout.dataBlocks)
        else { throw RepairError(.inconsistent, file: copy.file, byteOffset: copy.byteOffset) }
        var decoding = Decoding(code: code, wanted: wanted, outputs: outputs, sources: sources)
        let inputs = try take(sources.count, min(bytes, pieceBytes))
        for start in stride(from: 0, to: bytes, by: pieceBytes) {
            let range = start..<min(start + pieceBytes, bytes)
            let failed = await fetch(sources, range, into: inputs).filter { $0.error != nil }
            guard failed.isEmpty else { return failed }
            let before = decoding
            decoding = await Self.onWorker { before.adding(inputs, range) }
        }
        let wrong = zip(sources, decoding.sourceSums).filter { copy.blocks[$0].crc.rawValue != $1 }
        guard wrong.isEmpty else { return wrong.map { Fetched(index: $0.0, error: wrongSum($0.0)) } }
        let done = decoding
        let sums = await Self.onWorker { done.outputSums(bytes) }
        for (index, sum) in zip(wanted, sums) where copy.blocks[index].crc.rawValue != sum {
            throw RepairError(
                .inconsistent, file: copy.file, byteOffset: copy.byteOffset, block: copy.blocks[index].block,
                service: copy.blocks[index].service.id)
        }
        return []
    }

    // MARK: Parts

    /// The same range of several blocks at once; `memory` has a buffer for each.
    private mutating func fetch(_ indices: [Int], _ range: Range<Int>, into memory: [PooledBuffer]) async -> [Fetched] {
        let (context, copy) = (context, copy)
        let fetched = await withTaskGroup(of: Fetched.self) { group in
            for (index, buffer) in zip(indices, memory) {
                group.addTask { await Self.fetch(copy.blocks[index], index, range, into: buffer, context) }
            }
            var fetched: [Fetched] = []
            for await one in group { fetched.append(one) }
            return fetched.sorted { $0.index < $1.index }
        }
        readBytes += fetched.count { $0.error == nil } * range.count
        return fetched
    }

    private static func fetch(
        _ source: BlockSource, _ index: Int, _ range: Range<Int>, into memory: PooledBuffer,
        _ context: RepairContext<Cluster>
    ) async -> Fetched {
        Fetched(index: index, error: await context.fetch(source, range, into: memory, at: 0))
    }

    private func wrongSum(_ index: Int) -> ClientError {
        let source = copy.blocks[index]
        return ClientError(
            .corruptPage, "reading of block \(source.block) at block service \(source.service.id)",
            "the block as a whole does not match its checksum")
    }

    private func take(_ count: Int, _ bytes: Int) throws(RepairError) -> [PooledBuffer] {
        var buffers: [PooledBuffer] = []
        for _ in 0..<count {
            guard let buffer = context.cluster.pool.take(bytes) else {
                throw RepairError(.noMemory, file: copy.file, byteOffset: copy.byteOffset)
            }
            buffers.append(buffer)
        }
        return buffers
    }

    private static func onWorker<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            WorkQueue.shared.run { continuation.resume(returning: body()) }
        }
    }
}

extension [Int] {
    /// The blocks whose contents are not there yet.
    fileprivate func without<Cluster>(_ contents: [BlockReading<Cluster>.Content]) -> [Int] {
        filter { index in !contents.contains { $0.index == index } }
    }
}
