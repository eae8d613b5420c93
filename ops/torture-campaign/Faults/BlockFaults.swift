import Foundation
import Protocol

/// Damages blocks of files on disk: flipped bits, cut-off, exchanged and missing blocks, pages in wrong places; blocks
/// with files of their own and those that share segments. Never more blocks of a span than its parity makes up for.
struct BlockFaults {
    enum Kind: String, CaseIterable {
        case flip, truncate, delete, zeroPage = "zero-page", movePages = "move-pages", swap
    }

    /// A block and what is known of it before it is damaged.
    private struct Target {
        let stored: any StoredBlock
        /// Bytes of its pages.
        let size: Int
        let entry: Ledger.Entry

        var pages: Int { size / StoredPage.bytes }
        /// Under which the fault is counted.
        var counter: String { "block faults: \(entry.places.isEmpty ? "" : "small ")\(entry.kind)" }
    }

    /// A block that may be exchanged with another one of the same size.
    private struct Partner {
        let file: Int
        let block: BlockID
    }

    private let model: FileModel
    private let cluster: TortureCluster
    private let view: ClusterView
    private let smallBlocks: SmallBlockView
    private let ledger: Ledger
    private let counters: Counters
    private let lost: LostDisks
    private let quiet: QuietMoment
    private var random: SeededRandom
    private var disks: [BlockServiceID: Int] = [:]
    private var partners: [Int: [Partner]] = [:]

    init(_ plan: FaultPlan, model: FileModel, seed: UInt64) {
        self.model = model
        cluster = plan.cluster
        view = plan.view
        smallBlocks = plan.smallBlocks
        ledger = plan.ledger
        counters = plan.counters
        lost = plan.lost
        quiet = plan.quiet
        random = SeededRandom(seed: seed)
    }

    /// Damages blocks of so many files a minute.
    mutating func run(filesPerMinute: Double, until isOver: () -> Bool) {
        guard filesPerMinute > 0 else { return }
        var next = monotonicSeconds()
        while !isOver() {
            let now = monotonicSeconds()
            guard now >= next else {
                usleep(useconds_t(min(next - now, 0.1) * 1_000_000))
                continue
            }
            // Where repairs have not caught up there is nothing left to damage; some other file will do.
            _ = (0..<4).contains { _ in quiet.withLock { _ in damageAnyFile() } }
            // What was missed in a moment of great load is made up for, but not for long.
            next = max(next + 60 / filesPerMinute, now - 5)
        }
    }

    /// Damages blocks of one file, some of each span at most. - Returns: whether it damaged any.
    private mutating func damageAnyFile() -> Bool {
        guard let file = model.take(using: &random) else { return false }
        defer { model.giveBack(file) }
        guard let spans = try? view.spans(ofPath: file.path) else {
            counters.add("block faults not tried: file not asked about")
            return false
        }
        let before = ledger.count
        for span in spans.shuffled(using: &random).prefix(4) {
            for _ in 0..<Int.random(in: 1...max(1, span.parityBlocks), using: &random) {
                guard budget(span, file) > 0 else { break }
                damageAnyBlock(of: span, file)
            }
        }
        return ledger.count > before
    }

    /// How many more blocks of the span may be damaged.
    private func budget(_ span: SpanBlocks, _ file: KnownFile) -> Int {
        // Every other file stays readable while one more disk is away.
        let limit = span.parityBlocks - max(lost.isPending ? 1 : 0, file.number % 2)
        return limit - span.blocks.count { !isSound($0) }
    }

    private func isSound(_ block: SpanBlocks.Block) -> Bool {
        !ledger.isDamaged(block.block) && !lost.services.contains(block.service)
    }

    private mutating func damageAnyBlock(of span: SpanBlocks, _ file: KnownFile) {
        guard let block = span.blocks.filter(isSound).randomElement(using: &random),
            let kind = Kind.allCases.randomElement(using: &random),
            let target = target(block, kind, span, file)
        else { return }
        do {
            if try damage(target, kind, span, file) { counters.add(target.counter) }
        } catch {
            counters.add("block faults that came too late")
            ledger.doubt(target.entry.block)
        }
        partners[target.size, default: []].append(Partner(file: file.number, block: block.block))
        if partners[target.size, default: []].count > 32 { partners[target.size]?.removeFirst() }
    }

    /// Where the block lies; nil when it was moved away in this moment.
    private mutating func target(
        _ block: SpanBlocks.Block, _ kind: Kind, _ span: SpanBlocks, _ file: KnownFile
    ) -> Target? {
        guard let disk = disk(of: block.service) else { return nil }
        let size = block.bytes / 4096 * StoredPage.bytes
        var entry = Ledger.Entry(
            kind: kind.rawValue, block: block.block, disk: disk, file: file.path, spanOffset: span.offset)
        let large = BlockFile(disk: cluster.path(ofDisk: disk), block.block)
        if let found = large.size { return found == size ? Target(stored: large, size: size, entry: entry) : nil }
        entry.places = smallBlocks.places(of: block.block, onDisk: disk)
        guard !entry.places.isEmpty, entry.places.allSatisfy({ $0.storedSize == size }) else {
            counters.add("block faults not tried: block not found")
            return nil
        }
        return Target(
            stored: SmallBlock(disk: cluster.path(ofDisk: disk), places: entry.places), size: size, entry: entry)
    }

    /// - Returns: whether anything was changed.
    private mutating func damage(
        _ target: Target, _ kind: Kind, _ span: SpanBlocks, _ file: KnownFile
    ) throws -> Bool {
        switch kind {
        case .flip:
            guard var bytes = target.stored.bytes() else { return false }
            let bits = Int.random(in: 1...8, using: &random)
            let places = Set((0..<bits).map { _ in Int.random(in: 0..<target.size * 8, using: &random) })
            for place in places { bytes[place / 8] ^= 1 << UInt8(place % 8) }
            ledger.record(target.entry, "bits \(places.sorted())")
            try target.stored.overwrite(bytes, at: 0)
        case .truncate:
            try cut(target)
        case .delete:
            ledger.record(target.entry, "")
            try target.stored.remove()
        case .zeroPage:
            let page = Int.random(in: 0..<target.pages, using: &random)
            ledger.record(target.entry, "page \(page)")
            // Zeros are not their own checksum, so even a page of zeros is damaged by this.
            try target.stored.overwrite(
                [UInt8](repeating: 0, count: StoredPage.bytes), at: page * StoredPage.bytes)
        case .movePages:
            return try movePages(target)
        case .swap:
            return try swap(target, span, file)
        }
        return true
    }

    private mutating func cut(_ target: Target) throws {
        var length = random.chance(0.3) ? 0 : Int.random(in: 0..<target.size, using: &random)
        // What is cut off a small block becomes zeros: whole pages, so that it is a change.
        if !target.entry.places.isEmpty { length -= length % StoredPage.bytes }
        ledger.record(target.entry, "to \(length) of \(target.size) bytes")
        try target.stored.cut(to: length)
    }

    /// Two pages of a block change places; their checksums move with them and stay right.
    private mutating func movePages(_ target: Target) throws -> Bool {
        guard target.pages >= 2, let bytes = target.stored.bytes() else { return false }
        let first = Int.random(in: 0..<target.pages, using: &random)
        let second = (first + Int.random(in: 1..<target.pages, using: &random)) % target.pages
        func page(_ number: Int) -> [UInt8] {
            Array(bytes[number * StoredPage.bytes..<(number + 1) * StoredPage.bytes])
        }
        guard page(first) != page(second) else { return false }
        ledger.record(target.entry, "pages \(first) and \(second)")
        try target.stored.overwrite(page(second), at: first * StoredPage.bytes)
        try target.stored.overwrite(page(first), at: second * StoredPage.bytes)
        return true
    }

    // MARK: Exchanging

    /// The block changes places with another one: all checksums of pages are right, the content is not.
    private mutating func swap(_ target: Target, _ span: SpanBlocks, _ file: KnownFile) throws -> Bool {
        if span.dataBlocks > 1, budget(span, file) > 1, random.chance(0.3) {
            let others = span.blocks.filter { $0.block != target.entry.block }
            guard let other = others.randomElement(using: &random) else { return false }
            return try swap(target, with: other, of: span, file)
        }
        let candidates = partners[target.size, default: []].filter { $0.file != file.number }
        guard let partner = candidates.randomElement(using: &random), let other = model.take(number: partner.file)
        else { return false }
        defer { model.giveBack(other) }
        for span in try view.spans(ofPath: other.path) where budget(span, other) > 0 {
            guard let block = span.blocks.first(where: { $0.block == partner.block }) else { continue }
            return try swap(target, with: block, of: span, other)
        }
        return false
    }

    private mutating func swap(
        _ target: Target, with block: SpanBlocks.Block, of span: SpanBlocks, _ file: KnownFile
    ) throws -> Bool {
        guard isSound(block), let other = self.target(block, .swap, span, file), other.size == target.size,
            let ours = target.stored.bytes(), let theirs = other.stored.bytes(), ours.count == target.size,
            theirs.count == target.size, ours != theirs
        else { return false }
        ledger.record(target.entry, "with block \(block.block)")
        ledger.record(other.entry, "with block \(target.entry.block)")
        do {
            try target.stored.overwrite(theirs, at: 0)
            try other.stored.overwrite(ours, at: 0)
        } catch {
            ledger.doubt(other.entry.block)
            throw error
        }
        counters.add(other.counter)
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
