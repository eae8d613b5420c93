import Protocol
import ShardCore
import Testing

/// PUBLISH_FILE_WITH_ATTRIBUTES, and what files have that get a name which another one had.
@Suite("Attributes of files that get a name") struct InheritanceTests {
    private let shard: ShardFixture

    init() throws { shard = try ShardFixture() }

    private var guarded: InodeAttributeChange { shard.change(mode: 0o600, uid: 3, gid: 4, (.set, "user.a", [1])) }

    @Test func aFileBeginsWithWhatItsMakerWants() throws {
        let file = try shard.construct()
        let request = shard.publishing(
            shard.publishing(file, body: [1], over: .null), shard.change(mode: 0o755, uid: 1, (.create, "user.x", [2])))
        let answer = try shard.call(request)
        #expect(answer.number == file.id && answer.ownership == shard.ownership(0o755, 1))
        let found = try shard.attributes(file.id)
        #expect(found.ownership == answer.ownership && found.ctime == answer.creationTime)
        #expect(found.mtime == answer.creationTime)
        #expect(try shard.extended(file.id) == [ExtendedAttribute(name: "user.x".bytes, value: [2])])
        // A copy is answered with what the file has.
        #expect(try shard.call(request) == answer)
        try shard.set(file.id, shard.change(mode: 0o700))
        #expect(try shard.call(request).ownership.mode == 0o700)
    }

    @Test func aGivenTimeLeavesAnother() throws {
        let file = try shard.publishFirst("a", shard.change(mtime: 5, atime: 6))
        let found = try shard.attributes(file)
        #expect(found.mtime.nanoseconds == 5 && found.atime.nanoseconds == 6)
        let created = try shard.lookup("a").creationTime
        #expect(found.ctime == created)
    }

    @Test func aVersionInheritsFromItsOwnFileOnly() throws {
        let first = try shard.publishFirst("a", guarded)
        let other = try shard.publishFirst("b", shard.change(mode: 0o644, uid: 7, (.set, "user.b", [1])))
        let own = shard.ownership(0o600, 3, 4)
        for (name, expected) in [("a", own), ("b", shard.ownership(0o640, 3)), ("c", shard.ownership(0o640, 3))] {
            let file = try shard.construct()
            try shard.call(
                shard.publishing(
                    shard.publishing(file, as: name, number: first), otherwise: shard.ownership(0o640, 3)))
            #expect(try shard.attributes(file.id).ownership == expected)
            #expect(try shard.extended(file.id).map(\.value) == (name == "a" ? [[1]] : []))
        }
        #expect(try shard.attributes(other).ownership.uid == 7)
    }

    @Test func anotherProgramRunsWithNobodysRights() throws {
        let rights = shard.change(mode: 0o6755, uid: 3, (.set, "security.capability", [1]), (.set, "user.a", [2]))
        _ = try shard.publishFirst("a", rights)
        // Who knows of attributes has looked at who writes.
        let known = try shard.construct()
        try shard.call(shard.publishing(shard.publishing(known)))
        #expect(try shard.attributes(known.id).ownership == shard.ownership(0o6755, 3))
        // Capabilities go with the contents, whoever writes.
        #expect(try shard.extended(known.id).map(\.value) == [[2]])
        let written = try shard.construct()
        try shard.call(shard.publishing(shard.publishing(written), keepsPrivileges: false, shard.change(uid: 4)))
        #expect(try shard.attributes(written.id).ownership == shard.ownership(0o755, 4))
        #expect(try shard.extended(written.id).map(\.name) == ["user.a".bytes])
        // Set-group-ID without the right to run it means something else.
        try shard.set(written.id, rights)
        try shard.set(written.id, shard.change(mode: 0o6745))
        let old = try shard.construct()
        _ = try shard.link(old, "a")
        #expect(try shard.attributes(old.id).ownership == shard.ownership(0o2745, 3))
        #expect(try shard.extended(old.id).map(\.name) == ["user.a".bytes])
    }

    @Test func whateverReplacesAFileInheritsUnlessItBringsItsOwn() throws {
        var last = try shard.publishFirst("a", guarded)
        var file = try shard.construct()
        /// Replaces the file, expects what its successor has, and makes that like the file was.
        func replace(
            _ ownership: InodeOwnership, _ extended: [[UInt8]], _ publish: (ShardFixture.OpenFile) throws -> Void
        ) throws {
            file = try shard.construct()
            let before = try shard.attributes(last)
            try publish(file)
            let found = try shard.attributes(file.id)
            #expect(found.ownership == ownership)
            #expect(try shard.extended(file.id).map(\.value) == extended)
            #expect(found.ctime == found.mtime)
            // The one that was replaced keeps its own, and so does each other's.
            #expect(try shard.attributes(last) == before)
            if !extended.isEmpty { try shard.set(file.id, shard.change((.set, "user.a", [9]))) }
            #expect(try shard.extended(last).map(\.value) == [[1]])
            let again = try shard.construct()
            last = again.id
            try shard.call(shard.publishing(shard.publishing(again), inherits: false, guarded))
        }
        let all = shard.ownership(0o600, 3, 4)
        try replace(all, [[1]]) { _ = try shard.link($0, "a") }
        try replace(all, [[1]]) { try shard.call(shard.publishing($0, body: [1])) }
        try replace(all, [[1]]) { try shard.call(shard.publishing($0, over: last)) }
        try replace(all, [[1]]) {
            try shard.call(
                LinkFileIfUnchangedRequest(
                    fileId: $0.id, cookie: $0.cookie, ownerId: .root, name: "a".bytes, expectedId: last))
        }
        try replace(all, [[1]]) {
            try shard.call(
                LinkFileWithSpanRequest(
                    fileId: $0.id, cookie: $0.cookie, storageClass: .empty, byteOffset: 0, size: 0, crc: .zero,
                    body: [], ownerId: .root, name: "a".bytes))
        }
        try replace(shard.ownership(0o640, 3, 4), [[1], [2]]) {
            try shard.call(
                shard.publishing(shard.publishing($0), shard.change(mode: 0o640, (.create, "user.b", [2]))))
        }
        try replace(.default, []) { try shard.call(shard.publishing(shard.publishing($0), inherits: false)) }
        try replace(shard.ownership(0o644), []) {
            try shard.call(shard.publishing(shard.publishing($0), inherits: false, shard.change(mode: 0o644)))
        }
    }

    @Test func supersededVersionsKeepTheirOwnUntilTheyGo() throws {
        let first = try shard.publishFirst("a", guarded, body: [1, 2])
        let second = try shard.publishNext(after: first, body: [3], supersedes: true)
        try shard.set(second, shard.change(mode: 0o666, (.set, "user.a", [2])))
        #expect(try shard.attributes(first).ownership.mode == 0o600)
        #expect(try shard.extended(first).map(\.value) == [[1]])
        shard.tick(seconds: 24 * 3600)
        let cookie = try #require(
            try shard.call(VisitTransientFilesRequest(beginId: .null, mtu: 0)).files.first { $0.id == first }).cookie
        let records = try shard.records().count
        try shard.call(RemoveSpanInitiateRequest(fileId: first, cookie: cookie))
        // The span and the extended attributes.
        #expect(try shard.records().count <= records - 2)
        try shard.call(RemoveInodeRequest(id: first))
        #expect(try shard.extended(second).map(\.value) == [[2]])
    }

    @Test func emptySupersededVersionsGoWithAllTheyHad() throws {
        let first = try shard.publishFirst("a", guarded)
        _ = try shard.publishNext(after: first, supersedes: true)
        shard.tick(seconds: 24 * 3600)
        try shard.call(RemoveInodeRequest(id: first))
        shard.expectInvariants()
    }

    @Test func whatIsUnlinkedForGoodLosesThem() throws {
        let file = try shard.publishFirst("a", guarded)
        let edge = try shard.lookup("a").creationTime
        try shard.unlink("a", (file, edge))
        #expect(try shard.extended(file).map(\.value) == [[1]])
        let records = try shard.records().count
        try shard.call(
            SameShardHardFileUnlinkRequest(ownerId: .root, targetId: file, name: "a".bytes, creationTime: edge))
        #expect(try shard.records().count == records - 2)
        try shard.expect(.fileNotFound, StatAttributesRequest(id: file, newest: false))
    }

    private func renaming(_ file: InodeID, _ name: String, to new: String) throws -> SameDirectoryRenameRequest {
        SameDirectoryRenameRequest(
            targetId: file, dirId: .root, oldName: name.bytes, oldCreationTime: try shard.lookup(name).creationTime,
            newName: new.bytes)
    }

    @Test func renamesTakeThemAlong() throws {
        let file = try shard.publishFirst("a", guarded)
        try shard.call(renaming(file, "a", to: "b"))
        #expect(try shard.attributes(file).ownership.mode == 0o600)
        // And a name alone gives nothing.
        let other = try shard.publishFirst("a")
        #expect(try shard.attributes(other).ownership == .default)
    }

    /// As `sed -i` and rsync do on mounts that know nothing of attributes.
    @Test func aFileWithNoneInheritsByARename() throws {
        let rights = shard.change(mode: 0o6750, uid: 3, (.set, "security.capability", [1]), (.set, "user.a", [2]))
        let old = try shard.publishFirst("a", rights)
        let new = try shard.construct()
        try shard.link(new, "b")
        // What it was given by those who give times to files, too, is nobody's rights.
        try shard.call(SetTimeRequest(id: new.id, mtime: 5 | 1 << 63, atime: 0))
        let done = try shard.call(renaming(new.id, "b", to: "a"))
        let found = try shard.attributes(new.id)
        #expect(found.ownership == shard.ownership(0o750, 3) && found.mtime.nanoseconds == 5)
        #expect(found.ctime == done.newCreationTime)
        #expect(try shard.extended(new.id) == [ExtendedAttribute(name: "user.a".bytes, value: [2])])
        // The one that was replaced keeps its own.
        #expect(try shard.attributes(old).ownership.mode == 0o6750)
        try shard.set(new.id, shard.change((.set, "user.a", [9])))
        #expect(try shard.extended(old).map(\.value).contains([2]))
    }

    @Test func whoBringsAttributesKeepsThemByARename() throws {
        func renamed(_ rename: (SameDirectoryRenameRequest) throws -> Void, _ own: InodeAttributeChange) throws
            -> InodeOwnership
        {
            let old = try shard.publishFirst("a", guarded)
            let new = try shard.publishFirst("b", own)
            try rename(try renaming(new, "b", to: "a"))
            #expect(try shard.attributes(old).ownership == shard.ownership(0o600, 3, 4))
            let ownership = try shard.attributes(new).ownership
            try shard.unlink("a", (new, try shard.lookup("a").creationTime))
            return ownership
        }
        func knowing(_ rename: SameDirectoryRenameRequest) throws {
            try shard.call(RenameWithAttributesRequest(rename: rename))
        }
        #expect(try renamed(knowing, shard.change()) == .default)
        #expect(try renamed(knowing, shard.change(mode: 0o755)) == shard.ownership(0o755))
        // Whatever somebody has said of it stands, whoever renames it.
        #expect(try renamed({ try shard.call($0) }, shard.change(mode: 0o755)) == shard.ownership(0o755))
        #expect(try renamed({ try shard.call($0) }, shard.change((.set, "user.b", [1]))) == .default)
    }

    @Test func onlyOrdinaryFilesInheritByARename() throws {
        let old = try shard.publishFirst("a", shard.change())
        let before = try shard.attributes(old)
        let plain = try shard.publishFirst("b")
        try shard.call(renaming(plain, "b", to: "a"))
        // What replaces a file that has none gets no byte.
        #expect(try shard.attributes(plain).ctime == shard.attributes(plain).mtime)
        #expect(try shard.attributes(old) == before)
        let link = try shard.construct(.symlink)
        try shard.call(shard.publishing(link, as: "l", body: [65]))
        _ = try shard.publishFirst("c", guarded)
        try shard.call(renaming(link.id, "l", to: "c"))
        #expect(try shard.attributes(link.id).ownership == .default)
        let file = try shard.publishFirst("d")
        try shard.set(link.id, guarded)
        try shard.call(renaming(file, "d", to: "c"))
        #expect(try shard.attributes(file).ownership == .default)
        // What it replaces has its rights in another shard.
        let first = try shard.publishFirst("e", guarded)
        try shard.replaceTarget("e", first, by: InodeID(type: .file, shard: ShardID(rawValue: 7), index: 13))
        try shard.call(renaming(file, "c", to: "e"))
        #expect(try shard.attributes(file).ownership == shard.ownership(0o600))
    }

    @Test func renamesOfEarlierVersionsAreCarriedOutAsThen() throws {
        _ = try shard.publishFirst("a", guarded)
        let new = try shard.publishFirst("b")
        let request = try renaming(new, "b", to: "a")
        var entry = try shard.core.prepare(request.erased, at: shard.tick())
        #expect(entry.action == .rename(request))
        entry.action = .request(request.erased)
        _ = try shard.apply(entry)
        #expect(try shard.attributes(new).ownership == .default)
    }

    @Test func symbolicLinksAndSpecialFilesNeitherGiveNorTake() throws {
        let link = try shard.construct(.symlink)
        try shard.call(shard.publishing(shard.publishing(link, as: "l", body: [65]), shard.change(uid: 5)))
        let file = try shard.construct()
        try shard.link(file, "l")
        #expect(try shard.attributes(file.id).ownership == .default)
        try shard.set(file.id, guarded)
        let other = try shard.construct(.symlink)
        try shard.call(shard.publishing(other, as: "l", body: [65]))
        #expect(try shard.attributes(other.id).ownership == .default)
        let fifo = try shard.construct()
        _ = try shard.publishFirst("f", guarded)
        try shard.call(shard.publishing(shard.publishing(fifo, as: "f"), kind: .fifo))
        #expect(try shard.attributes(fifo.id).ownership == .default)
        try shard.set(fifo.id, guarded)
        let after = try shard.construct()
        try shard.link(after, "f")
        let found = try shard.attributes(after.id)
        #expect(found.ownership == .default && found.kind == .none)
    }

    @Test func specialFilesAreEmptyFilesOfAKind() throws {
        for (kind, device) in [
            (SpecialFileKind.fifo, 0 as UInt64), (.socket, 0), (.characterDevice, 1 << 40 | 3), (.blockDevice, .max),
        ] {
            let file = try shard.construct()
            try shard.call(
                shard.publishing(
                    shard.publishing(file, as: "\(kind)", over: .null), kind: kind, device: device,
                    shard.change(mode: 0o660)))
            let found = try shard.attributes(file.id)
            #expect(found.kind == kind && found.device == device && found.size == 0)
            #expect(found.ownership.mode == 0o660)
            try shard.set(file.id, shard.change(mode: 0o600))
            #expect(try shard.attributes(file.id).kind == kind)
        }
        let (file, link) = (try shard.construct(), try shard.construct(.symlink))
        try shard.expect(
            .badSpanBody, shard.publishing(shard.publishing(file, body: [1], over: .null), kind: .fifo))
        try shard.expect(
            .malformedRequest, shard.publishing(shard.publishing(file, over: .null), kind: .fifo, device: 1))
        try shard.expect(.malformedRequest, shard.publishing(shard.publishing(link, over: .null), kind: .socket))
        let bytes = try shard.publishing(shard.publishing(file)).encoded()
        var unknown = bytes
        unknown[try #require(bytes.indices.last) - 28 - 8] = 5
        #expect(throws: DecodeError.self) {
            try unknown.withUnsafeBytes { try PublishFileWithAttributesRequest(decoding: $0) }
        }
    }

    /// A file that was moved here from a directory of another shard.
    @Test func whatOnlyAnotherShardKnowsIsNotMadePublic() throws {
        var foreign = InodeID(type: .file, shard: ShardID(rawValue: 7), index: 13)
        func replace(_ expected: InodeOwnership, _ publish: (ShardFixture.OpenFile) throws -> Void) throws {
            let first = try shard.publishFirst("a", guarded)
            foreign = InodeID(rawValue: foreign.rawValue + 0x100)
            try shard.replaceTarget("a", first, by: foreign)
            let file = try shard.construct()
            try publish(file)
            #expect(try shard.attributes(file.id).ownership == expected)
            #expect(try shard.extended(file.id) == [])
            try shard.unlink("a", (file.id, try shard.lookup("a").creationTime))
        }
        let closed = shard.ownership(0o600)
        try replace(closed) { try shard.link($0, "a") }
        try replace(closed) { try shard.call(shard.publishing($0, over: foreign, number: foreign)) }
        try replace(shard.ownership(0o600, 5)) {
            try shard.call(shard.publishing(shard.publishing($0), shard.change(uid: 5)))
        }
        // Who knows better says so.
        try replace(shard.ownership(0o640, 3)) {
            try shard.call(shard.publishing(shard.publishing($0), otherwise: shard.ownership(0o640, 3)))
        }
        try replace(.default) { try shard.call(shard.publishing(shard.publishing($0), inherits: false)) }
    }

    @Test func whatIsRefusedChangesNothing() throws {
        let first = try shard.publishFirst("a", guarded)
        let file = try shard.construct()
        let before = try shard.edges()
        let plain = shard.publishing(file, over: first, number: first, supersedes: true)
        try shard.expect(.attributeExists, shard.publishing(plain, shard.change((.create, "user.a", []))))
        try shard.expect(.malformedRequest, shard.publishing(plain, shard.change(mode: 0o70000)))
        let much = [UInt8](repeating: 0, count: 4000)
        try shard.expect(
            .attributesTooLarge, shard.publishing(plain, shard.change((.set, "x", much), (.set, "y", much))))
        // Together with what would be inherited.
        try shard.expect(
            .attributesTooLarge,
            shard.publishing(plain, shard.change((.set, "x", [UInt8](repeating: 0, count: 4060)))))
        try shard.expect(
            .mismatchingTarget, shard.publishing(shard.publishing(file, over: file.id), shard.change(mode: 1)))
        #expect(try shard.edges() == before)
        try shard.call(shard.publishing(plain, inherits: false, shard.change((.create, "user.a", []))))
        #expect(try shard.attributes(file.id).number == first)
    }

    @Test func entriesOfEarlierVersionsAreCarriedOutAsThen() throws {
        _ = try shard.publishFirst("a", guarded)
        let file = try shard.construct()
        var entry = try shard.core.prepare(
            LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: "a".bytes).erased,
            at: shard.tick())
        entry.keepsAttributes = false
        #expect(try entry.encoded().first == 3)
        _ = try shard.apply(entry)
        #expect(try shard.attributes(file.id).ownership == .default)
        #expect(try shard.extended(file.id) == [])
    }
}
