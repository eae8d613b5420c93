import BlockStore
import Foundation
import Protocol

/// Where a small block lies.
struct SmallBlockPlace: Hashable, Sendable {
    let segment: UInt64
    /// Of its header.
    let offset: Int
    /// Bytes of its pages.
    let storedSize: Int

    var pagesOffset: Int { offset + SegmentRecord.headerSize }
    /// Bytes with the header.
    var length: Int { SegmentRecord.headerSize + storedSize }
}

/// What the segments of one disk hold, read beside the service that writes them. Its index cannot be asked: the service
/// holds it.
///
/// Every segment is read once from its beginning and only forward, so that headers which were damaged after they had
/// been seen do not hide what follows.
struct SmallBlockSegments {
    private let disk: String
    private let key: SecretKey
    /// What was read of each segment, bytes.
    private var scanned: [UInt64: Int] = [:]
    private var places: [BlockID: [SmallBlockPlace]] = [:]
    /// Of each block the last batch in which it was written or erased.
    private var latest: [BlockID: (batch: UInt64, isErased: Bool)] = [:]

    private static let suffix = ".segment"

    init(disk: String, key: SecretKey) {
        self.disk = disk
        self.key = key
    }

    static func path(disk: String, segment: UInt64) -> String {
        let digits = String(segment, radix: 16)
        return "\(disk)/small_blocks/\(String(repeating: "0", count: 16 - digits.count))\(digits)\(suffix)"
    }

    /// Where the copies of a block lie, the last one last.
    func places(of block: BlockID) -> [SmallBlockPlace] { places[block] ?? [] }

    /// Blocks that were not erased as far as segments tell: an erasure may have gone with its segment.
    var blocks: [BlockID] { latest.filter { !$0.value.isErased && places[$0.key] != nil }.map(\.key) }

    /// Reads what was written since the last time.
    mutating func refresh() {
        let numbers = segments()
        let gone = Set(scanned.keys).subtracting(numbers)
        if !gone.isEmpty { forget(gone) }
        for number in numbers { scan(number) }
    }

    private func segments() -> [UInt64] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: disk + "/small_blocks")) ?? []
        return names.filter { $0.hasSuffix(Self.suffix) }
            .compactMap { UInt64($0.dropLast(Self.suffix.count), radix: 16) }.sorted()
    }

    private mutating func forget(_ gone: Set<UInt64>) {
        for number in gone { scanned[number] = nil }
        places = places.compactMapValues { places in
            let left = places.filter { !gone.contains($0.segment) }
            return left.isEmpty ? nil : left
        }
    }

    private mutating func scan(_ number: UInt64) {
        guard let file = try? PosixFile(opening: Self.path(disk: disk, segment: number), O_RDONLY),
            let size = try? file.size()
        else { return }
        let seal = SegmentSeal(key, segment: number)
        var offset = scanned[number] ?? 0
        var header = [UInt8](repeating: 0, count: SegmentRecord.headerSize)
        while offset + header.count <= size {
            guard let count = try? header.withUnsafeMutableBytes({ try file.read($0, at: offset) }),
                count == header.count,
                let record = header.withUnsafeBytes({ bytes in
                    bytes.baseAddress.flatMap { SegmentRecord(from: $0, in: seal) }
                }), offset + record.length <= size
            else { break }
            note(record, SmallBlockPlace(segment: number, offset: offset, storedSize: record.storedSize))
            offset += record.length
        }
        scanned[number] = offset
    }

    private mutating func note(_ record: SegmentRecord, _ place: SmallBlockPlace) {
        if record.kind == .block { places[record.block, default: []].append(place) }
        if record.batch >= latest[record.block]?.batch ?? 0 {
            latest[record.block] = (record.batch, record.kind == .erasure)
        }
    }
}
