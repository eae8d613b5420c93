import Foundation
import Protocol

/// Damages blocks of files on disk: flipped bits, cut-off, exchanged and missing blocks, pages in wrong places. Never
/// more blocks of a span than its parity makes up for.
struct BlockFaults: ~Copyable {
    enum Kind: String, CaseIterable {
        case flip, truncate, delete, zeroPage = "zero-page", movePages = "move-pages", swap
    }

    /// A block that may be exchanged with another one of the same size.
    private struct Partner {
        let file: Int
        let block: BlockID
    }

    private let model: FileModel
    private let cluster: TortureCluster
    private let view: ClusterView
    private let ledger: Ledger
    private let counters: Counters
    private var random: SeededRandom
    private var disks: [BlockServiceID: Int] = [:]
    private var partners: [Int: [Partner]] = [:]
    /// Blocks of each span that are kept sound for disks that will be lost.
    var reserve = 0
    /// Disks that are gone; what was on them counts as damaged.
    var lostServices: Set<BlockServiceID> = []

    init(
        model: FileModel, cluster: TortureCluster, view: ClusterView, ledger: Ledger, counters: Counters, seed: UInt64
    ) {
        self.model = model
        self.cluster = cluster
        self.view = view
        self.ledger = ledger
        self.counters = counters
        random = SeededRandom(seed: seed)
    }

    /// Damages blocks of one file, some of each span at most.
    mutating func damageAnyFile() {
        guard let file = model.take(using: &random) else { return }
        defer { model.giveBack(file) }
        guard let spans = try? view.spans(ofPath: file.path) else {
            counters.add("files not asked about")
            return
        }
        for span in spans.shuffled(using: &random).prefix(4) {
            for _ in 0..<Int.random(in: 1...max(1, span.parityBlocks), using: &random) {
                guard budget(span, file) > 0 else { break }
                damageAnyBlock(of: span, file)
            }
        }
    }

    /// How many more blocks of the span may be damaged.
    private func budget(_ span: SpanBlocks, _ file: KnownFile) -> Int {
        // Every other file stays readable while one more disk is away.
        let limit = span.parityBlocks - max(reserve, file.number % 2)
        return limit - span.blocks.count { ledger.isDamaged($0.block) || lostServices.contains($0.service) }
    }

    private mutating func damageAnyBlock(of span: SpanBlocks, _ file: KnownFile) {
        let sound = span.blocks.filter { !ledger.isDamaged($0.block) && !lostServices.contains($0.service) }
        guard let block = sound.randomElement(using: &random), let disk = disk(of: block.service),
            let kind = Kind.allCases.randomElement(using: &random)
        else { return }
        let target = BlockFile(disk: cluster.path(ofDisk: disk), block.block)
        guard let size = target.size, size == block.bytes / 4096 * BlockFile.pageBytes else {
            // In a store of small blocks, or moved away in this moment.
            counters.add("blocks without a file")
            return
        }
        let entry = Ledger.Entry(
            kind: kind.rawValue, block: block.block, disk: disk, file: file.path, spanOffset: span.offset)
        do {
            if try damage(target, size, kind, entry, span, file) { counters.add("faults \(kind.rawValue)") }
        } catch {
            counters.add("faults that came too late")
        }
        partners[size, default: []].append(Partner(file: file.number, block: block.block))
        if partners[size, default: []].count > 32 { partners[size]?.removeFirst() }
    }

    /// - Returns: whether anything was changed.
    private mutating func damage(
        _ target: BlockFile, _ size: Int, _ kind: Kind, _ entry: Ledger.Entry, _ span: SpanBlocks, _ file: KnownFile
    ) throws -> Bool {
        let pages = size / BlockFile.pageBytes
        switch kind {
        case .flip:
            guard var bytes = target.bytes() else { return false }
            let bits = Int.random(in: 1...8, using: &random)
            let places = Set((0..<bits).map { _ in Int.random(in: 0..<size * 8, using: &random) })
            for place in places { bytes[place / 8] ^= 1 << UInt8(place % 8) }
            ledger.record(entry, "bits \(places.sorted())")
            try target.overwrite(bytes, at: 0)
        case .truncate:
            let length = random.chance(0.3) ? 0 : Int.random(in: 0..<size, using: &random)
            ledger.record(entry, "to \(length) of \(size) bytes")
            try target.truncate(to: length)
        case .delete:
            ledger.record(entry, "")
            try target.remove()
        case .zeroPage:
            let page = Int.random(in: 0..<pages, using: &random)
            ledger.record(entry, "page \(page)")
            // Zeros are not their own checksum, so even a page of zeros is damaged by this.
            try target.overwrite([UInt8](repeating: 0, count: BlockFile.pageBytes), at: page * BlockFile.pageBytes)
        case .movePages:
            return try movePages(target, pages, entry)
        case .swap:
            return try swap(target, size, entry, span, file)
        }
        return true
    }

    /// Two pages of a block change places; their checksums move with them and stay right.
    private mutating func movePages(_ target: BlockFile, _ pages: Int, _ entry: Ledger.Entry) throws -> Bool {
        guard pages >= 2, let bytes = target.bytes() else { return false }
        let first = Int.random(in: 0..<pages, using: &random)
        let second = (first + Int.random(in: 1..<pages, using: &random)) % pages
        func page(_ number: Int) -> [UInt8] {
            Array(bytes[number * BlockFile.pageBytes..<(number + 1) * BlockFile.pageBytes])
        }
        guard page(first) != page(second) else { return false }
        ledger.record(entry, "pages \(first) and \(second)")
        try target.overwrite(page(second), at: first * BlockFile.pageBytes)
        try target.overwrite(page(first), at: second * BlockFile.pageBytes)
        return true
    }

    /// The block changes places with another one: all checksums of pages are right, the content is not.
    private mutating func swap(
        _ target: BlockFile, _ size: Int, _ entry: Ledger.Entry, _ span: SpanBlocks, _ file: KnownFile
    ) throws -> Bool {
        if span.dataBlocks > 1, budget(span, file) > 1, random.chance(0.3) {
            let others = span.blocks.filter { $0.block != entry.block }
            guard let other = others.randomElement(using: &random) else { return false }
            return try swap(target, size, entry, with: other, of: span, file)
        }
        let candidates = partners[size, default: []].filter { $0.file != file.number }
        guard let partner = candidates.randomElement(using: &random), let other = model.take(number: partner.file)
        else { return false }
        defer { model.giveBack(other) }
        for span in try view.spans(ofPath: other.path) where budget(span, other) > 0 {
            guard let block = span.blocks.first(where: { $0.block == partner.block }) else { continue }
            return try swap(target, size, entry, with: block, of: span, other)
        }
        return false
    }

    private mutating func swap(
        _ target: BlockFile, _ size: Int, _ entry: Ledger.Entry, with block: SpanBlocks.Block, of span: SpanBlocks,
        _ file: KnownFile
    ) throws -> Bool {
        guard !ledger.isDamaged(block.block), !lostServices.contains(block.service), let disk = disk(of: block.service)
        else { return false }
        let second = BlockFile(disk: cluster.path(ofDisk: disk), block.block)
        guard let ours = target.bytes(), let theirs = second.bytes(), ours.count == size, theirs.count == size,
            ours != theirs
        else { return false }
        ledger.record(entry, "with block \(block.block)")
        ledger.record(
            Ledger.Entry(
                kind: entry.kind, block: block.block, disk: disk, file: file.path, spanOffset: span.offset),
            "with block \(entry.block)")
        try target.overwrite(theirs, at: 0)
        try second.overwrite(ours, at: 0)
        counters.add("faults \(entry.kind)")
        return true
    }

    private mutating func disk(of service: BlockServiceID) -> Int? {
        if let known = disks[service] { return known }
        for disk in 0..<cluster.disks {
            if let found = cluster.service(onDisk: disk) { disks[found] = disk }
        }
        return disks[service]
    }
}
