import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Rights of files that somebody on another host changes, replaces or removes while they are written here.
    @Suite struct ForeignRightsTests {
        private static let user = Caller(thread: 1, user: 1000, group: 100, umask: 0o022)
        private static let victim = Caller(thread: 2, user: 2000, group: 200, umask: 0o022)
        private static let secret = Permissions(mode: 0o600, user: 2000, group: 200)

        /// A file with these rights.
        private static func make(_ name: String, _ text: String, mode: UInt16, on host: Host) async throws {
            let made = try await host.filesystem.create(
                Array(name.utf8), in: host.directory, .writing, permissions: mode, by: victim)
            try await host.write(made.opened.handle, text)
            try await host.close(made.opened.handle)
        }

        @Test func aLogThatSomebodyElseBeganIsNotTakenOver() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for (name, mode, isLetIn) in [("closed", UInt16(0o600), false), ("open", UInt16(0o666), true)] {
                    let mine = try await own.filesystem.create(
                        Array(name.utf8), in: own.directory, .appending, permissions: 0o644, by: Self.user)
                    try await own.write(mine.opened.handle, "mine", appends: true)
                    let theirs = try await other.filesystem.create(
                        Array(name.utf8), in: other.directory, .writing, permissions: mode,
                        by: Caller(thread: 2, user: 2000, group: 200))
                    try await other.write(theirs.opened.handle, "theirs")
                    try await other.close(theirs.opened.handle)
                    #expect(try await code { try await own.close(mine.opened.handle) } == (isLetIn ? 0 : ESTALE))
                    let rights = Permissions(mode: mode, user: 2000, group: 200)
                    #expect(try await other.permissions(name) == rights)
                    #expect(try await other.contents(name) == (isLetIn ? "theirsmine" : "theirs"))
                }
            }
        }

        @Test func changesOfAFileWithoutANameDoNotUndoEachOther() async throws {
            try await Host.run(options: .withoutMemory) { hosts in
                let own = hosts[0]
                try await Self.make("f", "text", mode: 0o644, on: own)
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "more")
                let node = try await own.node("f")
                try await own.unlink("f")
                let (filesystem, names) = (own.filesystem, ["user.a", "user.b"].map { Array($0.utf8) })
                // All begin before any has learnt what the file had, as a kernel's requests may.
                try await withThrowingTaskGroup { group in
                    group.addTask(executorPreference: filesystem.loop) {
                        _ = try await filesystem.setAttributes(node, AttributeChange(mode: 0o600), through: handle)
                    }
                    for name in names {
                        group.addTask(executorPreference: filesystem.loop) {
                            try await filesystem.setExtendedAttribute(name, name, of: node, .set)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await filesystem.attributes(node).permissions == Self.secret)
                #expect(try await filesystem.extendedAttributeNames(of: node, for: .unknown) == names)
                try await own.close(handle)
            }
        }

        @Test func whatReplacesAFileHasTheRightsOfThat() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for event in ["none", "edited", "narrowed"] {
                    let isStricter = event == "narrowed"
                    try await Self.make(event, "old", mode: isStricter ? 0o644 : 0o600, on: own)
                    let handle = try await own.open(event, .truncating)
                    try await own.write(handle, "secret")
                    switch event {
                    case "edited": try await other.edit(event, "x", at: 0)
                    case "narrowed":
                        try await other.edit(event, "x", at: 0)
                        _ = try await other.change(event, AttributeChange(mode: 0o600))
                    default: break
                    }
                    try await own.close(handle)
                    for host in hosts {
                        #expect(try await host.contents(event) == "secret")
                        #expect(try await host.permissions(event) == Self.secret, "\(event)")
                    }
                }
            }
        }

        /// O_TRUNC asks for no right to the directory, where a name is made or given to another file.
        @Test func whoTruncatesAFileReplacesNoOther() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for isReplaced in [false, true] {
                    for truncates in ["open", "ftruncate"] {
                        try await own.store("f", "old")
                        let handle = try await own.open("f", truncates == "open" ? .truncating : .writing)
                        if truncates == "ftruncate" { try await own.truncate("f", to: 0, through: handle) }
                        try await own.write(handle, "mine")
                        try await other.unlink("f")
                        if isReplaced { try await other.store("f", "another") }
                        #expect(try await code { try await own.close(handle) } == ESTALE)
                        guard isReplaced else {
                            #expect(try await code { _ = try await other.node("f") } == ENOENT)
                            continue
                        }
                        for host in hosts { #expect(try await host.contents("f") == "another") }
                        try await own.unlink("f")
                    }
                }
            }
        }

        @Test func anAppendGoesIntoNoOtherFile() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for mode in [OpenMode.appending, .readingAndAppending] {
                    try await own.store("log", "public ")
                    let handle = try await own.open("log", mode)
                    try await own.write(handle, "mine", at: 7, appends: true)
                    try await Self.make("other", "secret", mode: 0o666, on: other)
                    try await other.rename("other", to: "log")
                    #expect(try await code { try await own.filesystem.close(handle, by: .unknown) } == ESTALE)
                    #expect(try await !own.read(handle).contains("secret"))
                    await own.filesystem.release(handle)
                    for host in hosts { #expect(try await host.contents("log") == "secret") }
                    try await own.unlink("log")
                }
            }
        }

        @Test func whoJoinsALogMayReadItToo() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for (mode, isLetIn) in [(OpenMode.appending, true), (.readingAndAppending, false)] {
                    let mine = try await own.filesystem.create(
                        Array("log".utf8), in: own.directory, mode, permissions: 0o644, by: Self.user)
                    try await own.write(mine.opened.handle, "mine", appends: true)
                    let theirs = try await other.filesystem.create(
                        Array("log".utf8), in: other.directory, .writing, permissions: 0o622,
                        by: Caller(thread: 2, user: 2000, group: 200))
                    try await other.write(theirs.opened.handle, "theirs")
                    try await other.close(theirs.opened.handle)
                    #expect(try await code { try await own.close(mine.opened.handle) } == (isLetIn ? 0 : ESTALE))
                    #expect(try await other.contents("log") == (isLetIn ? "theirsmine" : "theirs"))
                    try await own.unlink("log")
                }
            }
        }

        @Test func theMaskOfAListLetsNobodyIntoALog() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let mine = try await own.filesystem.create(
                    Array("log".utf8), in: own.directory, .appending, permissions: 0o644, by: Self.user)
                try await own.write(mine.opened.handle, "mine", appends: true)
                // The group is his, and may do nothing, but the mode says 0660.
                let theirs = try await other.filesystem.create(
                    Array("log".utf8), in: other.directory, .writing, permissions: 0o600,
                    by: Caller(thread: 2, user: 2000, group: Self.user.group))
                let list = try #require(
                    AccessControlList([
                        .init(.owner, 6), .init(.user, 6, id: 3), .init(.owningGroup, 0), .init(.mask, 6),
                        .init(.others, 0),
                    ]))
                try await other.filesystem.setExtendedAttribute(
                    ExtendedAttributes.accessList, list.encoded, of: theirs.entry.node, .set)
                try await other.close(theirs.opened.handle)
                #expect(try await other.permissions("log")?.mode == 0o660)
                #expect(try await code { try await own.close(mine.opened.handle) } == ESTALE)
            }
        }

        @Test func rightsOfANewLogAreNotLostWithoutAWord() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let mine = try await own.create("log", .appending)
                try await own.write(mine.opened.handle, "secret", appends: true)
                _ = try await own.change("log", AttributeChange(mode: 0o600))
                try await other.store("log", "public")
                #expect(try await code { try await own.close(mine.opened.handle) } == ESTALE)
                for host in hosts { #expect(try await host.contents("log") == "public") }
            }
        }

        @Test func aChangeDuringAnEditMeansTheNewestVersion() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "mine")
                // One that leaves a snapshot.
                try await other.edit("f", "new", at: 0)
                _ = try await own.change("f", AttributeChange(mode: 0o600))
                try await own.filesystem.setExtendedAttribute(
                    Array("user.a".utf8), [1], of: try await own.node("f"), .create)
                for host in hosts {
                    #expect(try await host.permissions("f")?.mode == 0o600)
                    #expect(try await host.extended("user.a", of: "f") == [1])
                }
                // What others protect meanwhile is so for this host, too.
                _ = try await other.change("f", AttributeChange(mode: 0o400))
                #expect(try await own.permissions("f")?.mode == 0o400)
                #expect(try await code { try await own.close(handle) } == ESTALE)
                #expect(try await own.permissions("f")?.mode == 0o400)
            }
        }

        @Test func aFileIsMeantThatOthersHaveRenamedAndNoOther() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "text")
                let known = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                try await other.rename("f", to: "g")
                // fchmod(2)
                _ = try await own.filesystem.setAttributes(known, AttributeChange(mode: 0o600), through: nil)
                #expect(try await other.permissions("g")?.mode == 0o600)
                try await other.store("f", "another")
                let code = try await code {
                    _ = try await own.filesystem.setAttributes(known, AttributeChange(mode: 0o644), through: nil)
                }
                #expect(code == ESTALE)
                #expect(try await other.permissions("g")?.mode == 0o600)
            }
        }

        @Test func rightsAreComputedFromWhatTheyAre() async throws {
            var options = FilesystemOptions()
            options.caching.names = 1000
            try await Host.run([options, .withoutMemory]) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let list = try #require(
                    AccessControlList([.init(.owner, 7), .init(.owningGroup, 5), .init(.others, 5)]))
                for name in ["listed", "given"] {
                    try await own.store(name, "program")
                    let node = try await own.filesystem.lookup(Array(name.utf8), in: own.directory).node
                    _ = try await other.change(name, AttributeChange(mode: 0o4711))
                    if name == "listed" {
                        try await own.filesystem.setExtendedAttribute(
                            ExtendedAttributes.accessList, list.encoded, of: node, .set)
                    } else {
                        _ = try await own.filesystem.setAttributes(node, AttributeChange(user: 5), through: nil)
                    }
                    #expect(try await other.permissions(name)?.mode == (name == "listed" ? 0o4755 : 0o711))
                }
            }
        }

        @Test func changesDuringAMoveAreNotUndone() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let name = Array("f".utf8)
                // What takes its time to be stored when its owner and mode are known already.
                let bytes = (0..<8 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) | 1 }
                for steps in 1...16 {
                    let made = try await own.filesystem.makeDirectory(Array("d\(steps)".utf8), in: own.directory)
                    try await own.store("f", "x")
                    try await own.filesystem.rename(name, in: own.directory, to: name, in: made.node, replaces: true)
                    let node = try await own.filesystem.lookup(name, in: made.node).node
                    let handle = try await own.filesystem.open(node, .writing, by: .unknown).handle
                    try await own.filesystem.write(handle, bytes, at: 0, appends: false)
                    let seen = try await other.filesystem.lookup(name, in: made.node).node
                    // Whenever the publication comes, the last change is what counts.
                    async let closed: Void = own.close(handle)
                    for step in 1...UInt16(steps) {
                        _ = try await other.filesystem.setAttributes(
                            seen, AttributeChange(mode: 0o400 + step), through: nil)
                    }
                    try await closed
                    let found = try await own.filesystem.lookup(name, in: made.node)
                    #expect(found.attributes.permissions?.mode == 0o400 + UInt16(steps))
                    try await own.filesystem.unlink(name, in: made.node)
                }
            }
        }

        @Test func whereOwnersAreFixedTheyGoAlongAllTheSame() async throws {
            var fixed = FilesystemOptions.withoutMemory
            fixed.ownership = .fixed
            try await Host.run([.withoutMemory, fixed]) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let name = Array("f".utf8)
                for index in 0..<4 {
                    let made = try await own.filesystem.makeDirectory(Array("d\(index)".utf8), in: own.directory)
                    try await Self.make("f", "secret", mode: 0o600, on: own)
                    try await own.filesystem.rename(name, in: own.directory, to: name, in: made.node, replaces: true)
                    let seen = try await other.filesystem.lookup(name, in: made.node).node
                    let handle = try await other.filesystem.open(
                        seen, index % 2 == 0 ? .writing : .truncating, by: .unknown).handle
                    try await other.write(handle, "more")
                    try await other.close(handle)
                    let found = try await own.filesystem.lookup(name, in: made.node)
                    #expect(found.attributes.permissions == Self.secret)
                }
            }
        }

        @Test func rightsThatAProgramGotMeanwhileGoAndOthersStay() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for (before, meanwhile, after) in [(0o755, 0o4755, 0o755), (0o4775, 0o700, 0o700)] {
                    try await own.store("p", "program")
                    _ = try await own.change("p", AttributeChange(mode: UInt16(before)))
                    let handle = try await own.open("p", .writing)
                    try await own.filesystem.write(handle, [1], at: 0, appends: false, by: Self.user)
                    _ = try await other.change("p", AttributeChange(mode: UInt16(meanwhile)))
                    try await other.filesystem.setExtendedAttribute(
                        Array("security.capability".utf8), [1], of: try await other.node("p"), .set)
                    try await own.close(handle)
                    for host in hosts {
                        #expect(try await host.permissions("p")?.mode == UInt16(after))
                        #expect(try await host.extended("security.capability", of: "p") == nil)
                    }
                    try await own.unlink("p")
                }
            }
        }

        @Test func aChangeMeansTheVersionThatHasTheName() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let known = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                let handle = try await other.open("f", .truncating)
                try await other.write(handle, "new")
                try await other.close(handle)
                _ = try await own.filesystem.setAttributes(known, AttributeChange(mode: 0o600), through: nil)
                for host in hosts { #expect(try await host.permissions("f")?.mode == 0o600) }
            }
        }

        @Test func aFileWithoutANameKeepsWhatItIsGiven() async throws {
            try await Host.run(options: .withoutMemory) { hosts in
                let own = hosts[0]
                try await Self.make("f", "text", mode: 0o640, on: own)
                let node = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                let handle = try await own.open("f", .writing)
                try await own.unlink("f")
                try await own.write(handle, "x")
                try await own.filesystem.setExtendedAttribute(Array("user.a".utf8), [1], of: node, .set)
                let seen = try await own.filesystem.setAttributes(node, AttributeChange(group: 5), through: nil)
                #expect(seen.permissions == Permissions(mode: 0o640, user: 2000, group: 5))
                #expect(try await own.filesystem.extendedAttribute(Array("user.a".utf8), of: node) == [1])
                try await own.close(handle)
            }
        }
    }
}
