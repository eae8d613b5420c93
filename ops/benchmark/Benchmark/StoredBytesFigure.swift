import Protocol
import Store
import TestShards

/// What a shard stores of files whose attributes are the default, beside files of clients that know of none: as those
/// were stored before there were any. Real shards over a store in memory, whose bytes can be counted.
struct StoredBytesFigure {
    let report: Report

    private static let files = 1_000_000

    private enum Maker {
        case knowsNothing, keepsAttributes
    }

    func run() throws {
        let (plain, stored) = (try bytesPerFile(.knowsNothing), try bytesPerFile(.keepsAttributes))
        report.add(
            Figure(
                "attributes: store, per file of a million with the default", "B", stored, ceiling: plain,
                by: "files of clients without attributes", wanted: 1, smallerIsBetter: true))
    }

    private func bytesPerFile(_ maker: Maker) throws -> Double {
        let shards = try MemoryShards(rootInfo: .sternaRootDefault())
        for number in 0..<Self.files {
            try make(Array("file-\(number)".utf8), by: maker, shards)
            // The store keeps every version that is not on disk.
            if number % 1000 == 0 { try shards.store.flush() }
        }
        return Double(try bytes(in: shards.store)) / Double(Self.files)
    }

    private func make(_ name: [UInt8], by maker: Maker, _ shards: MemoryShards) throws {
        let root = InodeID.root
        let file = try shards.perform(ConstructFileRequest(type: .file, note: name), at: root.shard).get()
        switch maker {
        case .knowsNothing:
            let link = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: root, name: name)
            _ = try shards.perform(link, at: root.shard).get()
        case .keepsAttributes:
            let publication = PublishFileRequest(
                fileId: file.id, cookie: file.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero,
                body: [], ownerId: root, name: name, isConditional: false, expectedId: .null, number: .null,
                supersedes: false)
            let request = PublishFileWithAttributesRequest(
                publication: publication, inherits: true, keepsPrivileges: true, otherwise: .default,
                kind: .none, device: 0, change: .nothing)
            _ = try shards.perform(request, at: root.shard).get()
        }
    }

    private func bytes(in store: MemoryStore) throws -> Int {
        var bytes = 0
        let iterator = store.iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        while iterator.isValid {
            iterator.withEntry { bytes += $0.count + $1.count }
            iterator.next()
        }
        try iterator.checkStatus()
        return bytes
    }
}
