import Protocol
import ShardCore
import TestShards
import TestSupport
import Testing

/// Pages: metadata.md B.3–B.8 and G.2 21.
@Suite("Paging")
struct PagingTests {
    /// A shard whose root has many names, many of them with a history.
    private static func crowded(names: Int) throws -> ShardFixture {
        let shard = try ShardFixture(checksInvariants: false)
        var random = SeededGenerator(seed: 21)
        for index in 0..<names {
            let length = index % 40 == 0 ? 255 : Int.random(in: 4...60, using: &random)
            let name = "\(index)-" + String(repeating: "n", count: max(0, length - "\(index)-".count))
            var file = try shard.makeFile(name)
            for _ in 0..<(index % 5 == 0 ? 3 : 0) {
                try shard.unlink(name, file)
                file = try shard.makeFile(name)
            }
        }
        shard.expectInvariants()
        return shard
    }

    private static let headerSize = 13
    private static let mtus: [UInt16] = [0, 1, 1471, 1472, 1473, 1500, 2000, 4096, 8971, 8972, 9000, 65535]

    private func limit(_ mtu: UInt16) -> Int { max(1472, min(Int(mtu), 8972)) }

    @Test("READ_DIR at every mtu lists each name once, in order")
    func readDir() throws {
        let shard = try Self.crowded(names: 400)
        let expected = try shard.edges().filter(\.current).map(\.name)
        #expect(expected.count == 400)
        for mtu in Self.mtus {
            var names: [[UInt8]] = []
            var request = ReadDirRequest(dirId: .root, startHash: .zero, mtu: mtu)
            repeat {
                let page = try shard.call(request)
                #expect(page.encodedSize + Self.headerSize <= limit(mtu))
                #expect(!page.results.isEmpty)
                names += page.results.map(\.name)
                request.startHash = page.nextHash
            } while request.startHash != .zero && names.count <= 400
            #expect(names == expected)
        }
    }

    @Test("FULL_READ_DIR at every mtu, both ways", arguments: [false, true])
    func fullReadDir(backwards: Bool) throws {
        let shard = try Self.crowded(names: 150)
        let all = try shard.edges()
        #expect(all.count == 150 + 30 * 6)
        #expect(all.map(\.current) == all.map(\.current).sorted { !$0 && $1 })
        let expected = backwards ? Array(all.reversed()) : all
        let direction: FullReadDirFlags = backwards ? .backwards : []
        for mtu in Self.mtus {
            var edges: [Edge] = []
            var request = FullReadDirRequest(
                dirId: .root, flags: backwards ? [.backwards, .current] : [], startName: [], startTime: .zero, limit: 0,
                mtu: mtu)
            repeat {
                let page = try shard.call(request)
                #expect(page.encodedSize + Self.headerSize <= limit(mtu))
                #expect(!page.results.isEmpty)
                edges += page.results
                request.flags = page.next.current ? direction.union(.current) : direction
                request.startName = page.next.startName
                request.startTime = page.next.startTime
            } while !request.startName.isEmpty && edges.count <= expected.count
            #expect(edges == expected)
        }
    }

    @Test("the history of one name, in all modes and at every length of page")
    func sameName() throws {
        let shard = try ShardFixture(checksInvariants: false)
        let name = String(repeating: "x", count: 250)
        for _ in 0..<20 { try shard.unlink(name, try shard.makeFile(name)) }
        try shard.makeFile(name)
        try shard.makeFile("bystander")
        let ascending = try shard.edges().filter { $0.name == name.bytes }
        #expect(ascending.count == 41)
        func collect(_ flags: FullReadDirFlags, mtu: UInt16) throws -> [Edge] {
            var edges: [Edge] = []
            var request = FullReadDirRequest(
                dirId: .root, flags: flags, startName: name.bytes, startTime: .zero, limit: 0, mtu: mtu)
            while true {
                let page = try shard.call(request)
                #expect(page.encodedSize + Self.headerSize <= limit(mtu))
                edges += page.results
                guard !page.next.startName.isEmpty, edges.count <= 41 else { return edges }
                request.flags = flags.subtracting(.current).union(page.next.current ? .current : [])
                request.startTime = page.next.startTime
            }
        }
        for mtu in Self.mtus {
            #expect(try collect(.sameName, mtu: mtu) == ascending)
            #expect(try collect([.sameName, .current], mtu: mtu) == [ascending[40]])
            #expect(try collect([.sameName, .backwards, .current], mtu: mtu) == ascending.reversed())
            #expect(try collect([.sameName, .backwards], mtu: mtu) == ascending.dropLast().reversed())
        }
        let middle = FullReadDirRequest(
            dirId: .root, flags: [.sameName], startName: name.bytes, startTime: ascending[7].creationTime, limit: 3,
            mtu: 0)
        let page = try shard.call(middle)
        #expect(page.results == Array(ascending[7..<10]))
        #expect(page.next.startName.isEmpty)
        var before = middle
        before.flags = [.sameName, .backwards]
        #expect(try shard.call(before).results == [ascending[7], ascending[6], ascending[5]])
        var wrong = middle
        wrong.flags = [.current]
        try shard.expect(.malformedRequest, wrong)
        wrong = middle
        wrong.startName = []
        try shard.expect(.malformedRequest, wrong)
    }

    @Test("listing inodes")
    func visit() throws {
        let shard = try ShardFixture(checksInvariants: false)
        for index in 0..<600 {
            if index % 2 == 0 { try shard.makeFile("f\(index)") } else { _ = try shard.construct(.symlink) }
            if index < 200 { try shard.makeDirectory("d\(index)", index: UInt64(index) + 1) }
        }
        for mtu in Self.mtus {
            var files: [InodeID] = []
            var begin = InodeID.null
            repeat {
                let page = try shard.call(VisitFilesRequest(beginId: begin, mtu: mtu))
                #expect(page.encodedSize + Self.headerSize <= limit(mtu) && !page.ids.isEmpty)
                files += page.ids
                begin = page.nextId
            } while !begin.isNull
            #expect(files == files.sorted() && files.count == 300)
            var directories: [InodeID] = []
            repeat {
                let page = try shard.call(VisitDirectoriesRequest(beginId: begin, mtu: mtu))
                directories += page.ids
                begin = page.nextId
            } while !begin.isNull
            #expect(directories == directories.sorted() && directories.count == 201)
            var transient: [TransientFile] = []
            repeat {
                let page = try shard.call(VisitTransientFilesRequest(beginId: begin, mtu: mtu))
                #expect(page.encodedSize + Self.headerSize <= limit(mtu) && !page.files.isEmpty)
                transient += page.files
                begin = page.nextId
            } while !begin.isNull
            #expect(transient.count == 300)
        }
        let cookie = try #require(try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files.first)
        try shard.addInline(.init(id: cookie.id, cookie: cookie.cookie), at: 0, [1])
    }

    @Test("spans of a large file, and one that is larger than a page")
    func spans() throws {
        let shard = try ShardFixture(checksInvariants: false)
        let file = try shard.construct()
        let parity = Parity(data: 10, parity: 4)
        for index in 0..<40 {
            let request = shard.newSpan(
                file, at: UInt64(index) * 40960 * 15, size: 40960 * 15, parity: parity, stripes: 15, salt: UInt32(index)
            )
            try shard.certify(file, at: request.byteOffset, try shard.call(request).blocks)
        }
        try shard.link(file, "large")
        for mtu in Self.mtus {
            var offsets: [UInt64] = []
            var request = LocalFileSpansRequest(fileId: file.id, byteOffset: 0, limit: 0, mtu: mtu)
            repeat {
                let page = try shard.call(request)
                #expect(page.encodedSize + Self.headerSize <= limit(mtu))
                #expect(!page.spans.isEmpty)
                offsets += page.spans.map(\.header.byteOffset)
                request.byteOffset = page.nextOffset
            } while request.byteOffset != 0 && offsets.count <= 40
            #expect(offsets == (0..<40).map { $0 * 40960 * 15 })
        }
        let services = try (0..<32).flatMap { index in
            try shard.call(BlockServiceFilesRequest(blockServiceId: TestDisks.id(index), startFrom: .null)).fileIds
        }
        #expect(services == [InodeID](repeating: file.id, count: 14))
    }
}
