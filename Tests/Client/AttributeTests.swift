import Client
import Protocol
import Testing

/// Attributes, on shards that keep them and on shards that do not.
@Suite("Stored attributes", .timeLimit(.minutes(2))) struct AttributeTests {
    private static let knowing: Set<ProtocolExtension> = [.fetchPageSums, .publishing, .linkWithSpan, .attributes]
    private static let certifying = knowing.union([.certifyAndPublish])
    private static let name = Array("f".utf8)
    private static let change = InodeChange(
        ownership: Ownership(mode: 0o750, uid: 3),
        extended: [ExtendedAttributeChange(operation: .set, name: Array("user.a".utf8), value: [1])])

    private func publish(
        _ publication: Publication, _ bytes: Int, _ cluster: FakeCluster
    ) async throws(ClientError) -> (id: InodeID, version: PublishedVersion) {
        let writer = try await cluster.client.createFile(in: .root, note: [])
        if bytes > 0 { try await writer.write(FileRoundTripTests.content(bytes), at: 0) }
        let version = try await writer.finish(publication)
        return (writer.id, version)
    }

    private func publication(_ inherits: Bool = true, _ change: InodeChange = .nothing) -> Publication {
        Publication(directory: .root, name: Self.name, inherits: inherits, change: change)
    }

    @Test("a file gets them with its name, wherever it ends", arguments: [0, 100, 5000], [knowing, certifying])
    func publishing(_ bytes: Int, _ extensions: Set<ProtocolExtension>) async throws {
        try await FakeCluster.run(extensions: extensions) { cluster in
            let client = cluster.client
            #expect(await client.storesAttributes)
            let first = try await publish(publication(true, Self.change), bytes, cluster)
            #expect(first.version.ownership == Ownership(mode: 0o750, uid: 3))
            let kinds = cluster.shards.kinds.filter { $0 != .extendedAttributes }
            // One request made the name and the attributes.
            let isCertified = bytes == 5000 && extensions == Self.certifying
            #expect(kinds.count { $0 == .publishFileWithAttributes } == (isCertified ? 0 : 1))
            #expect(kinds.count { $0 == .certifyAndPublish } == (isCertified ? 1 : 0))
            #expect(kinds.contains(.addSpanCertify) == (bytes == 5000 && !isCertified))
            #expect(!kinds.contains(.setAttributes) && !kinds.contains(.linkFile))
            let found = try await client.version(of: first.id)
            #expect(found.attributes.size == UInt64(bytes))
            let stored = try #require(found.attributes.stored)
            #expect(stored.ownership == first.version.ownership && stored.special == nil && stored.extendedBytes > 0)
            #expect(try await client.extendedAttributes(of: first.id).map(\.value) == [[1]])
            let next = try await publish(publication(), bytes, cluster)
            #expect(next.version.ownership == nil)
            let bare = try await publish(publication(false), bytes, cluster)
            #expect(bare.version.ownership == Ownership())
        }
    }

    @Test func changesAreMadeAndTold() async throws {
        try await FakeCluster.run(extensions: Self.knowing) { cluster in
            let client = cluster.client
            let file = try await publish(publication(), 10, cluster).id
            let done = try await client.setAttributes(file, Self.change)
            #expect(done.id == file && done.ownership == Ownership(mode: 0o750, uid: 3))
            #expect(try await client.attributes(of: file).stored?.ownership == done.ownership)
            let number = try await client.version(of: file).number
            #expect(try await client.newestVersion(ofFile: number, near: file).attributes.id == file)
            let made = try await client.makeSpecialFile(
                Array("d".utf8), in: .root, .blockDevice(0x0801), change: Self.change)
            let special = try #require(try await client.attributes(of: made.id).stored)
            #expect(special.special == .blockDevice(0x0801) && special.ownership == made.version.ownership)
            let ownership = try await client.defaultOwnership()
            #expect(ownership == DefaultOwnership(uid: 7, gid: 8, fileMode: 0o640, directoryMode: 0o750))
        }
    }

    @Test func whatNoInodeCanHaveIsRefusedAtOnce() async throws {
        try await FakeCluster.run(extensions: Self.knowing) { cluster in
            let client = cluster.client
            let file = try await publish(publication(), 10, cluster).id
            var change = InodeChange()
            func expect(_ code: ProtocolError) async {
                for attempt in 0..<3 {
                    do throws(ClientError) {
                        switch attempt {
                        case 0: _ = try await client.setAttributes(file, change)
                        case 1: _ = try await publish(publication(true, change), 10, cluster)
                        default: _ = try await client.makeDirectory(Array("d".utf8), in: .root, change: change)
                        }
                        Issue.record("\(attempt) was done")
                    } catch {
                        #expect(error.code == code)
                    }
                }
            }
            change.ownership.mode = 0o10000
            await expect(.malformedRequest)
            change = InodeChange(extended: [
                ExtendedAttributeChange(
                    operation: .set, name: Array("user.a".utf8), value: [UInt8](repeating: 0, count: 65535))
            ])
            await expect(.attributesTooLarge)
            // No request is longer than a datagram, whatever it is.
            let long = SetAttributesRequest(id: file, change: InodeAttributeChange(
                ownership: .default, mtime: 0, atime: 0, extended: change.extended))
            await #expect(throws: ClientError.self) { try await client.call(long, shard: file.shard) }
            #expect(try await client.extendedAttributes(of: file) == [])
        }
    }

    @Test func longListsComeInParts() async throws {
        try await FakeCluster.run(extensions: Self.knowing) { cluster in
            let client = cluster.client
            let file = try await publish(publication(), 10, cluster).id
            let long = ExtendedAttributeChange(
                operation: .set, name: Array("user.long".utf8), value: [UInt8](repeating: 5, count: 3900))
            _ = try await client.setAttributes(file, InodeChange(extended: [long]))
            #expect(try await client.extendedAttributes(of: file).map(\.value) == [long.value])
            // Somebody changes them between two parts, once.
            cluster.shards.afterPart = { shards in
                shards.afterPart = nil
                shards.files[file]?.attributes.extended[0].value = [6]
                shards.files[file]?.attributes.version = shards.now()
            }
            #expect(try await client.extendedAttributes(of: file).map(\.value) == [[6]])
            // And all the time.
            _ = try await client.setAttributes(file, InodeChange(extended: [long]))
            cluster.shards.afterPart = { $0.files[file]?.attributes.version = $0.now() }
            await #expect(throws: ClientError.self) { try await client.extendedAttributes(of: file) }
        }
    }

    @Test func whereTheClusterKeepsNoneEverythingIsAsBefore() async throws {
        try await FakeCluster.run(extensions: [.fetchPageSums, .publishing, .linkWithSpan]) { cluster in
            let client = cluster.client
            #expect(await !client.storesAttributes)
            for bytes in [0, 100, 5000] {
                let file = try await publish(publication(false, Self.change), bytes, cluster)
                #expect(file.version.ownership == nil)
                #expect(try await client.attributes(of: file.id).stored == nil)
                #expect(try await client.extendedAttributes(of: file.id) == [])
            }
            #expect(!cluster.shards.kinds.contains(.publishFileWithAttributes))
            do throws(ClientError) {
                _ = try await client.makeSpecialFile(Array("d".utf8), in: .root, .fifo)
                Issue.record("a FIFO was made")
            } catch {
                #expect(error.code == .unrecognizedRequest)
            }
            await #expect(throws: ClientError.self) { try await client.defaultOwnership() }
        }
    }
}
