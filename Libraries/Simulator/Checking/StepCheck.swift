import Erasure
import Protocol
import ShardCore

/// What must hold at every moment, whatever is under way (spec A.13: S1–S22 and T2–T6, and the registry's own rules).
/// Looks now and then, and compares with what it saw before.
final class StepCheck {
    private let cluster: SimulatedCluster
    private var mtimes: [InodeID: Timestamp] = [:]
    private var history: [InodeID: Set<ShardWatch.SnapshotPlace>] = [:]

    init(_ cluster: SimulatedCluster) { self.cluster = cluster }

    private func find(_ text: String) { cluster.world.find(text) }

    func run() {
        for registry in cluster.registries {
            registry.pipeline?.core.checkInvariants { find("registry: \($0)") }
        }
        for pipeline in cluster.shards.flatMap(\.pipelines) {
            pipeline.checkInvariants { find("shard \(pipeline.core.shard): \($0)") }
        }
        for machine in cluster.replicaMachines where !machine.site.isAlone { machine.lookAtAll() }
        for core in cluster.cores {
            do {
                try core.checkInvariants { find("shard \(core.shard): \($0)") }
            } catch {
                find("shard \(core.shard) cannot be checked: \(error)")
            }
            let reader = CoreReader(core)
            for directory in reader.directories() { check(directory, reader) }
            for file in reader.files() + reader.supersededFiles() { check(file: file, reader) }
        }
    }

    private func check(_ directory: InodeID, _ reader: CoreReader) {
        guard let status = reader.status(of: directory) else { return }
        if let before = mtimes[directory], status.mtime < before {
            find("T2: mtime of \(directory) went from \(before) back to \(status.mtime)")
        }
        mtimes[directory] = status.mtime
        cluster.watch.attributes.check(directory, reader)
        let edges = reader.edges(of: directory).filter { !$0.current }
        let present = Set(
            edges.map {
                ShardWatch.SnapshotPlace(
                    place: Place(directory: directory, name: $0.name), creationTime: $0.creationTime)
            })
        let gone = (history[directory] ?? []).subtracting(present).subtracting(cluster.watch.collected)
        if let edge = gone.first { find("T6: \(edge.place) of \(edge.creationTime) left history uncollected") }
        history[directory] = present
    }

    /// T3, T4: the contents of a file that can be read never change, and all its blocks are where they should be. Nor
    /// does its number, unless it comes back from history.
    private func check(file: InodeID, _ reader: CoreReader) {
        for block in reader.blocks(of: file) where !cluster.holds(block.blockId, crc: block.crc) {
            find("block \(block.blockId) of linked file \(file) is nowhere")
        }
        // What stands in a body is looked at through those that refer to it.
        if reader.references(of: file).isBody { return }
        guard let contents = cluster.contents[file] else { return find("file \(file) was linked by nobody") }
        let spans = reader.spans(of: file)
        cluster.watch.attributes.check(file, reader, holes: spans.reduce(0) { $0 + $1.holes })
        check(spans, of: file, contents)
        let told = cluster.watch.numbers[file] ?? cluster.numbers[file]
        if let told, let number = reader.version(file)?.number, told != number {
            find("the number of \(file) is \(number), its client was told \(told)")
        }
    }

    /// However a file is cut into spans, they follow each other and add up to what was written.
    private func check(_ spans: [FetchedFullSpan], of file: InodeID, _ contents: FileContents) {
        var (size, crc) = (UInt64(0), CRC32C.zero)
        for span in spans {
            if span.header.byteOffset != size {
                find("T4: \(file) has a span at \(span.header.byteOffset), not \(size)")
            }
            size += UInt64(span.header.size)
            crc = crc.appending(span.header.crc, length: UInt64(span.header.size))
        }
        if size != contents.bytes.count || crc != contents.crc {
            find("T4: \(file) has \(size) bytes, written were \(contents.bytes.count) or others")
        }
    }
}

extension FetchedFullSpan {
    /// How many of its bytes are zeros that nobody stored.
    fileprivate var holes: UInt64 {
        let stored: UInt64
        switch body {
        case .inline(let inline):
            let isZeros = inline.body.count < header.size && inline.body.allSatisfy { $0 == 0 }
            // Spans of nothing but zeros keep one.
            stored = isZeros ? 0 : UInt64(inline.body.count)
        case .locations(let body):
            stored =
                body.locations.first.map {
                    UInt64($0.cellSize) * UInt64($0.stripes) * UInt64($0.parity.data)
                } ?? 0
        }
        return UInt64(header.size) - min(UInt64(header.size), stored)
    }
}
