import Erasure
import Protocol
import ShardCore
import TestSupport
import Testing

/// Files as lists of blocks and kept sizes, next to a shard that shares their spans: what each shows, and which blocks
/// are still somebody's.
final class SharedSpanModel {
    /// What a reader sees of a span, and what it was made from.
    struct Piece: Hashable {
        var size: UInt32
        var crc: CRC32C
        var blocks: [BlockID]
        var inline: [UInt8]
        /// The checksums of its data cells; empty for an inline span.
        var cells: [CRC32C]
        /// Before it was cut.
        var wholeSize: UInt32
        var wholeCRC: CRC32C

        /// What is zeros and takes no room.
        var holes: UInt64 {
            let stored = blocks.isEmpty ? inline.count : cells.count * Int(SharedSpanModel.cell)
            return UInt64(max(Int(size) - stored, 0))
        }
    }

    struct File {
        enum State { case open, linked, doomed }

        var open: ShardFixture.OpenFile
        var state: State
        var pieces: [Piece] = []
        /// The blocks of its last span, which is not in `pieces` yet.
        var unfinished: (piece: Piece, blocks: [AddSpanInitiateBlockInfo])?
        var linked: (name: String, time: Timestamp)?

        var size: UInt64 { pieces.reduce(0) { $0 + UInt64($1.size) } }
        var isOpenEnded: Bool { state == .open && unfinished == nil && size % 4096 == 0 }
    }

    let shard: ShardFixture
    private var random: SeededGenerator
    private(set) var files: [File] = []
    private var placed: Set<BlockID> = []
    private(set) var erased: Set<BlockID> = []
    private var names = 0
    private(set) var shared = 0
    private(set) var cuts = 0
    private(set) var swaps = 0
    /// Of all files that got a name.
    private(set) var holes: UInt64 = 0

    init(seed: UInt64, checksInvariants: Bool) throws {
        shard = try ShardFixture(checksInvariants: checksInvariants)
        shard.step = 1_000_000
        random = SeededGenerator(seed: seed)
    }

    fileprivate static let cell: UInt32 = 4096

    func step() throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1: if files.count < 12 { files.append(File(open: try shard.construct(), state: .open)) }
        case 2...6: try extend()
        case 7...12: try refer()
        case 13: try link()
        case 14: try remove()
        case 15...17: for _ in 0..<3 { try collect() }
        default: try swap()
        }
    }

    private func index(where isWanted: (File) -> Bool) -> Int? {
        let candidates = files.indices.filter { isWanted(files[$0]) }
        return candidates.isEmpty ? nil : random.pick(candidates)
    }

    // MARK: Steps

    private func extend() throws {
        guard let index = index(where: { $0.state == .open }) else { return }
        let file = files[index]
        if file.unfinished != nil { return try finish(index) }
        guard file.isOpenEnded else { return }
        if random.chance(20) {
            let body = random.bytes(.random(in: 1...20, using: &random))
            let size = random.chance(80) ? Self.cell : UInt32(body.count)
            let request = shard.inlineSpan(file.open, at: file.size, body, size: size)
            try shard.call(request)
            files[index].pieces.append(
                Piece(
                    size: size, crc: request.crc, blocks: [], inline: body, cells: [], wholeSize: size,
                    wholeCRC: request.crc))
            return
        }
        // Few contents, so that there are equal ones to swap.
        let data: UInt32 = random.chance(50) ? 2 : 4
        // Not full, full, or with zeros behind it.
        let size = data * Self.cell - (random.chance(10) ? 10 : 0) + (random.chance(30) ? Self.cell : 0)
        let request = shard.newSpan(
            file.open, at: file.size, size: size, parity: Parity(data: Int(data), parity: 1),
            salt: .random(in: 1...2, using: &random))
        let blocks = try shard.call(request).blocks
        placed.formUnion(blocks.map(\.blockId))
        files[index].unfinished = (
            Piece(
                size: size, crc: request.crc, blocks: blocks.map(\.blockId), inline: [],
                cells: Array(request.crcs.prefix(Int(data))), wholeSize: size, wholeCRC: request.crc), blocks
        )
        if random.chance(80) { try finish(index) }
    }

    private func finish(_ index: Int) throws {
        guard let (piece, blocks) = files[index].unfinished else { return }
        try shard.certify(files[index].open, at: files[index].size, blocks)
        files[index].unfinished = nil
        files[index].pieces.append(piece)
    }

    private func refer() throws {
        guard let target = index(where: \.isOpenEnded),
            let source = index(where: { !$0.pieces.isEmpty && $0.open.id != files[target].open.id })
        else { return }
        let pieces = files[source].pieces
        let first = Int.random(in: 0..<pieces.count, using: &random)
        var wanted = Array(pieces[first...])
        if random.chance(50) { wanted = Array(wanted.prefix(.random(in: 1...wanted.count, using: &random))) }
        // No more than one entry goes through, and files that double do not go on for ever.
        wanted = Array(wanted.prefix(50))
        guard files[target].pieces.count < 100 else { return }
        var (kept, rest) = (CRC32C.zero, CRC32C.zero)
        if random.chance(40), let last = wanted.last, let cut = cut(last) {
            (kept, rest) = (cut.kept, cut.rest)
            wanted[wanted.count - 1] = cut.piece
            cuts += 1
        }
        let begin = pieces[..<first].reduce(0) { $0 + UInt64($1.size) }
        let length = wanted.reduce(0) { $0 + UInt64($1.size) }
        let end = files[target].size
        var request = shard.reference(
            files[target].open, at: end, to: files[source].open.id, from: begin, length: length, kept: kept, rest: rest)
        if random.chance(10), kept != .zero {
            request.keptCrc.rawValue ^= 1
            try shard.expect(.badSpanBody, request)
            request.keptCrc.rawValue ^= 1
        }
        let size = try shard.call(request).size
        #expect(size == end + length)
        files[target].pieces += wanted
        shared += 1
    }

    /// A piece without its end.
    private func cut(_ piece: Piece) -> (piece: Piece, kept: CRC32C, rest: CRC32C)? {
        let cells = min(Int((piece.size - 1) / Self.cell), piece.cells.count)
        guard !piece.cells.isEmpty, cells > 0 else { return nil }
        let kept = Int.random(in: 1...cells, using: &random)
        func sum(_ cells: ArraySlice<CRC32C>) -> CRC32C {
            cells.reduce(.zero) { $0.appending($1, length: UInt64(Self.cell)) }
        }
        var cut = piece
        cut.size = UInt32(kept) * Self.cell
        cut.crc = sum(piece.cells[..<kept])
        let end = min(Int((piece.size + Self.cell - 1) / Self.cell), piece.cells.count)
        let rest = sum(piece.cells[kept..<end])
        return (cut, cut.crc, rest.zeroExtended(by: Int64(piece.size) - Int64(end) * Int64(Self.cell)))
    }

    private func link() throws {
        guard let index = index(where: { $0.state == .open && $0.unfinished == nil }) else { return }
        names += 1
        let name = "file\(names)"
        files[index].linked = (name, try shard.link(files[index].open, name))
        files[index].state = .linked
        holes += files[index].pieces.reduce(0) { $0 + $1.holes }
    }

    private func remove() throws {
        guard let index = index(where: { $0.state != .doomed }) else { return }
        let file = files[index]
        if let linked = file.linked {
            try shard.destroy(file.open.id, named: linked.name, linkedAt: linked.time)
        } else {
            try shard.call(ScrapTransientFileRequest(id: file.open.id, cookie: file.open.cookie))
        }
        files[index].state = .doomed
        shard.tick()
    }

    /// One step of the collector at a file that is to be destroyed.
    private func collect() throws {
        guard let index = index(where: { $0.state == .doomed }) else { return }
        let file = files[index].open
        let begin: UInt64
        let blocks: [RemoveSpanInitiateBlockInfo]
        switch try shard.reply(RemoveSpanInitiateRequest(fileId: file.id, cookie: file.cookie).erased) {
        case .failure(let code):
            #expect(code == .fileEmpty)
            #expect(files[index].pieces.isEmpty && files[index].unfinished == nil)
            try shard.call(RemoveInodeRequest(id: file.id))
            files.remove(at: index)
            return
        case .success(let response):
            guard case .removeSpanInitiate(let removal) = response else { return }
            (begin, blocks) = (removal.byteOffset, removal.blocks)
        }
        if let unfinished = files[index].unfinished {
            #expect(blocks.map(\.blockId) == unfinished.piece.blocks)
            files[index].unfinished = nil
        } else {
            let last = try #require(files[index].pieces.last)
            while files[index].size > begin { files[index].pieces.removeLast() }
            #expect(files[index].size == begin)
            if !blocks.isEmpty { #expect(blocks.map(\.blockId) == last.blocks) }
        }
        guard !blocks.isEmpty else { return }
        // Nobody needs them, and nobody was told before that he may erase them.
        for block in blocks.map(\.blockId) {
            #expect(!isUsed(block), "block \(block) is still used")
            #expect(erased.insert(block).inserted, "block \(block) is erased twice")
        }
        let proofs = try blocks.map { try ShardDisks.proof($0.blockServiceId, $0.blockId, erase: true) }
        try shard.call(
            RemoveSpanCertifyRequest(fileId: file.id, cookie: file.cookie, byteOffset: begin, proofs: proofs))
    }

    private func isUsed(_ block: BlockID) -> Bool {
        files.contains { file in
            file.pieces.contains { $0.blocks.contains(block) } || file.unfinished?.piece.blocks.contains(block) == true
        }
    }

    /// Two equal spans change places, as a defragmenter has it.
    private func swap() throws {
        guard let one = index(where: { !$0.pieces.isEmpty }), let other = index(where: { !$0.pieces.isEmpty }),
            one != other
        else { return }
        for (first, piece) in files[one].pieces.enumerated() where !piece.blocks.isEmpty {
            for (second, match) in files[other].pieces.enumerated()
            where match.wholeSize == piece.wholeSize && match.wholeCRC == piece.wholeCRC {
                let request = SwapSpansRequest(
                    fileId1: files[one].open.id, byteOffset1: begin(of: first, in: one), blocks1: piece.blocks,
                    fileId2: files[other].open.id, byteOffset2: begin(of: second, in: other), blocks2: match.blocks)
                if piece.blocks == match.blocks {
                    try shard.expect(.sameSourceAndDestination, request)
                } else {
                    try shard.call(request)
                    exchange(piece.blocks, match.blocks)
                    swaps += 1
                }
                return
            }
        }
    }

    private func begin(of piece: Int, in file: Int) -> UInt64 {
        files[file].pieces[..<piece].reduce(0) { $0 + UInt64($1.size) }
    }

    private func exchange(_ one: [BlockID], _ other: [BlockID]) {
        for file in files.indices {
            for piece in files[file].pieces.indices {
                if files[file].pieces[piece].blocks == one {
                    files[file].pieces[piece].blocks = other
                } else if files[file].pieces[piece].blocks == other {
                    files[file].pieces[piece].blocks = one
                }
            }
        }
    }

    // MARK: Comparing

    /// Whether each file shows what it has to.
    func isRight() throws -> Bool {
        for file in files {
            let seen = try shard.seen(file.open.id)
            var expected: [ShardFixture.Seen] = []
            var byteOffset: UInt64 = 0
            for piece in file.pieces + (file.unfinished.map { [$0.piece] } ?? []) {
                expected.append(
                    ShardFixture.Seen(
                        byteOffset: byteOffset, size: piece.size, crc: piece.crc, blocks: piece.blocks,
                        inline: piece.inline))
                byteOffset += UInt64(piece.size)
            }
            guard seen == expected else { return false }
            guard file.state == .linked else { continue }
            let holes = file.pieces.reduce(0) { $0 + $1.holes }
            guard try shard.attributes(file.open.id).holes == holes else { return false }
        }
        return true
    }

    /// Everything goes, in any order; every block was erased once, and nothing is left.
    func end() throws {
        while !files.isEmpty {
            if files.contains(where: { $0.state != .doomed }), random.chance(30) { try remove() }
            try collect()
        }
        #expect(erased == placed)
        shard.expectInvariants()
        #expect(try shard.visitFiles().isEmpty)
    }
}

@Suite("Shared spans against a model", .timeLimit(.minutes(5)))
struct SharedSpanModelTests {
    @Test("any order of writing, referring, cutting, swapping and removing")
    func random() throws {
        var (shared, cuts, swaps, holes): (Int, Int, Int, UInt64) = (0, 0, 0, 0)
        for seed in 0..<30 as Range<UInt64> {
            let model = try SharedSpanModel(seed: seed, checksInvariants: true)
            for _ in 0..<300 {
                try model.step()
                #expect(try model.isRight(), "seed \(seed)")
            }
            try model.end()
            shared += model.shared
            cuts += model.cuts
            swaps += model.swaps
            holes += model.holes
        }
        #expect(shared > 1000 && cuts > 100 && swaps > 50, "\(shared) shared, \(cuts) cut, \(swaps) swapped")
        #expect(holes > 1 << 20)
    }
}
