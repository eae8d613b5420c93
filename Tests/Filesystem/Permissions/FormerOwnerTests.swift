import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Who has lost a file or directory on another host is not its owner any more, whatever his kernel believes.
    @Suite struct FormerOwnerTests {
        private static let user = Caller(thread: 1, user: 1000, group: 100, umask: 0o022)
        private static let times = AttributeChange(modified: .at(Timestamp(nanoseconds: 1)))

        private static func list() throws -> [UInt8] {
            try #require(
                AccessControlList([
                    .init(.owner, 6), .init(.user, 6, id: 3), .init(.owningGroup, 0), .init(.mask, 6),
                    .init(.others, 0),
                ])
            ).encoded
        }

        private static func make(_ name: String, on host: Host, isDirectory: Bool = false) async throws -> NodeID {
            if isDirectory {
                return try await host.filesystem.makeDirectory(
                    Array(name.utf8), in: host.directory, mode: 0o755, by: user
                ).node
            }
            let made = try await host.filesystem.create(
                Array(name.utf8), in: host.directory, .writing, permissions: 0o755, by: user)
            try await host.write(made.opened.handle, "program")
            try await host.close(made.opened.handle)
            return made.entry.node
        }

        @Test func whatOnlyOwnersMayHeMayNoMore() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let list = try Self.list()
                for name in ["file", "appended", "directory", "edited"] {
                    let node = try await Self.make(name, on: own, isDirectory: name == "directory")
                    let entry = try await own.filesystem.lookup(Array(name.utf8), in: own.directory)
                    // A descriptor.
                    let mode: OpenMode = name == "edited" ? .writing : .reading
                    let handle =
                        name == "directory"
                        ? nil : try await own.filesystem.open(node, mode, by: Self.user).handle
                    if name == "edited", let handle { try await own.write(handle, "mine", at: 100) }
                    if name == "appended" { try await other.append(name, " with a secret") }
                    let theirs = try await other.node(name)
                    try await other.filesystem.setExtendedAttribute(
                        ExtendedAttributes.accessList, list, of: theirs, .set)
                    _ = try await other.change(name, AttributeChange(mode: 0o700, user: 0, group: 0))
                    let before = try await other.attributes(name)

                    let filesystem = own.filesystem
                    for change in [
                        AttributeChange(mode: 0o666), AttributeChange(mode: 0o4755), AttributeChange(user: 1000),
                        AttributeChange(group: 100), Self.times,
                    ] {
                        let code = try await code {
                            _ = try await filesystem.setAttributes(entry.node, change, through: handle, by: Self.user)
                        }
                        #expect(code == EPERM, "\(name) \(change)")
                    }
                    #expect(
                        try await code {
                            try await filesystem.setExtendedAttribute(
                                ExtendedAttributes.accessList, list, of: entry.node, .set, by: Self.user)
                        } == EPERM, "\(name)")
                    #expect(
                        try await code {
                            try await filesystem.removeExtendedAttribute(
                                ExtendedAttributes.accessList, of: entry.node, by: Self.user)
                        } == EPERM, "\(name)")
                    let after = try await other.attributes(name)
                    #expect(after.permissions == before.permissions && after.modified == before.modified, "\(name)")
                    #expect(try await other.extended("system.posix_acl_access", of: name) != nil, "\(name)")
                    // That it was used now says whoever may write.
                    _ = try await filesystem.setAttributes(
                        entry.node, AttributeChange(modified: .now, accessed: .now), through: handle, by: Self.user)
                    if let handle { _ = try? await own.close(handle) }
                }
            }
        }

        @Test func whoeverMayStillMay() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let node = try await Self.make("f", on: own)
                let list = try Self.list()
                for caller in [Self.user, TestCreators.capable, .unknown] {
                    let filesystem = own.filesystem
                    _ = try await filesystem.setAttributes(
                        node, AttributeChange(mode: 0o4711), through: nil, by: caller)
                    #expect(try await other.permissions("f")?.mode == 0o4711)
                    _ = try await filesystem.setAttributes(node, Self.times, through: nil, by: caller)
                    try await filesystem.setExtendedAttribute(
                        ExtendedAttributes.accessList, list, of: node, .set, by: caller)
                    try await filesystem.removeExtendedAttribute(ExtendedAttributes.accessList, of: node, by: caller)
                    _ = try await filesystem.setAttributes(node, AttributeChange(group: 1100), through: nil, by: caller)
                }
                _ = try await own.filesystem.setAttributes(
                    node, AttributeChange(user: 1001), through: nil, by: TestCreators.capable)
                #expect(try await other.permissions("f")?.user == 1001)
                // Not over ids that nobody has where he is.
                _ = try await other.change("f", AttributeChange(user: 500))
                let code = try await code {
                    _ = try await own.filesystem.setAttributes(
                        node, AttributeChange(mode: 0o644), through: nil, by: TestCreators.capable)
                }
                #expect(code == EPERM)
            }
        }

        @Test func whoIsRootOfSomeOnlyOwnsNothingElse() async throws {
            var some = FilesystemOptions.withoutMemory
            some.identities = KnownIdentities(users: [0...0], groups: [0...0])
            try await Host.run([some, .withoutMemory]) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for (user, expected): (UInt32, Int32) in [(0, 0), (1000, EPERM)] {
                    try await own.store("of \(user)", "text")
                    let node = try await own.node("of \(user)")
                    _ = try await other.change("of \(user)", AttributeChange(user: user))
                    let code = try await code {
                        _ = try await own.filesystem.setAttributes(
                            node, AttributeChange(mode: 0o600), through: nil, by: Caller(thread: 1))
                    }
                    #expect(code == expected, "\(user)")
                }
            }
        }

        /// He is its owner, and was in its group.
        @Test func aProgramRunsAsNoGroupThatIsNotHis() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let node = try await Self.make("f", on: own)
                let groups: [(UInt32, UInt16)] = [
                    (Self.user.group, 0o2755), (TestCreators.sharedGroup, 0o2755), (500, 0o755),
                ]
                for (group, mode) in groups {
                    _ = try await other.change("f", AttributeChange(group: group))
                    _ = try await own.filesystem.setAttributes(
                        node, AttributeChange(mode: 0o2755), through: nil, by: Self.user)
                    #expect(try await other.permissions("f")?.mode == mode, "\(group)")
                }
                _ = try await own.filesystem.setAttributes(
                    node, AttributeChange(mode: 0o2755), through: nil, by: TestCreators.capable)
                #expect(try await other.permissions("f")?.mode == 0o2755)
            }
        }

        /// What is known of a file is a moment old, and the rights of a program would stay for ever.
        @Test func rightsOfProgramsAreNotJudgedFromMemory() async throws {
            var believing = FilesystemOptions()
            believing.caching.names = 1000
            try await Host.run([believing, .withoutMemory]) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let node = try await Self.make("f", on: own)
                _ = try await own.filesystem.attributes(node)
                _ = try await other.change("f", AttributeChange(user: 0))
                let code = try await code {
                    _ = try await own.filesystem.setAttributes(
                        node, AttributeChange(mode: 0o4711), through: nil, by: Self.user)
                }
                #expect(code == EPERM)
                #expect(try await other.permissions("f") == Permissions(mode: 0o755, user: 0, group: 100))
            }
        }

        @Test func ownersAskForNothingMore() async throws {
            var believing = FilesystemOptions()
            believing.caching.names = 1000
            try await Host.run([believing]) { hosts in
                let own = hosts[0]
                _ = try await Self.make("f", on: own)
                let entry = try await own.filesystem.lookup(Array("f".utf8), in: own.directory)
                func requests(_ caller: Caller, _ change: AttributeChange) async throws -> UInt64 {
                    try await own.requests {
                        _ = try await own.filesystem.setAttributes(entry.node, change, through: nil, by: caller)
                    }
                }
                for change in [AttributeChange(mode: 0o600), AttributeChange(group: 100), Self.times] {
                    let root = try await requests(.unknown, change)
                    #expect(try await requests(Self.user, change) == root)
                }
            }
        }

        /// Somebody gives a program away, and somebody lets it run as its owner or its group, in the same moment: both
        /// have looked at it before either has changed it.
        @Test(arguments: [false, true], [false, true])
        func aProgramThatIsGivenAwayRunsAsNobody(asGroup: Bool, isGivenFirst: Bool) async throws {
            let gift = asGroup ? AttributeChange(group: 2000) : AttributeChange(user: 0)
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let node = try await Self.make("f", on: own)
                let seen = try await other.filesystem.lookup(Array("f".utf8), in: other.directory).node
                let shard = own.directory.inode.shard
                try await own.gated(shard) { toMade in
                    try await other.gated(shard) { toGiven in
                        await toMade.hold(.setAttributes)
                        await toGiven.hold(.setAttributes)
                        async let made = code {
                            _ = try await own.filesystem.setAttributes(
                                node, AttributeChange(mode: asGroup ? 0o2755 : 0o4755), through: nil, by: Self.user)
                        }
                        try await toMade.holds(.setAttributes)
                        async let given = code {
                            _ = try await other.filesystem.setAttributes(seen, gift, through: nil)
                        }
                        try await toGiven.holds(.setAttributes)
                        if isGivenFirst {
                            await toGiven.pass(.setAttributes)
                            #expect(try await given == 0)
                            await toMade.pass(.setAttributes)
                        } else {
                            await toMade.pass(.setAttributes)
                            #expect(try await made == 0)
                            await toGiven.pass(.setAttributes)
                        }
                        #expect(try await made == (isGivenFirst ? EPERM : 0))
                        #expect(try await given == 0)
                    }
                }
                let (user, group): (UInt32, UInt32) = asGroup ? (1000, 2000) : (0, 100)
                #expect(try await other.permissions("f") == Permissions(mode: 0o755, user: user, group: group))
            }
        }

        /// It was done, and nobody was there to hear that.
        @Test(arguments: ["chmod", "chown", "setfacl"])
        func whatIsNotAnsweredIsLookedAtAllTheSame(kind: String) async throws {
            let list = try #require(
                AccessControlList([
                    .init(.owner, 7), .init(.user, 6, id: 3), .init(.owningGroup, 5), .init(.mask, 7),
                    .init(.others, 5),
                ]))
            // Long enough for the other host on a busy machine.
            var client = ClientOptions()
            client.shardTiming.overallNanoseconds = 3_000_000_000
            try await Host.run(2, options: .withoutMemory, client: client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let node = try await Self.make("f", on: own)
                let seen = try await other.filesystem.lookup(Array("f".utf8), in: other.directory).node
                func change(_ change: AttributeChange) async throws {
                    _ = try await other.filesystem.setAttributes(seen, change, through: nil)
                }
                if kind == "setfacl" { try await change(AttributeChange(mode: 0o4755)) }
                let filesystem = own.filesystem
                let mode: UInt16 = kind == "setfacl" ? 0o4775 : 0o4755
                try await own.gated(own.directory.inode.shard) { gate in
                    await gate.hold(.setAttributes)
                    async let outcome = code {
                        switch kind {
                        case "chmod":
                            _ = try await filesystem.setAttributes(
                                node, AttributeChange(mode: 0o4755), through: nil, by: Self.user)
                        case "chown":
                            _ = try await filesystem.setAttributes(node, AttributeChange(user: 0), through: nil)
                        default:
                            try await filesystem.setExtendedAttribute(
                                ExtendedAttributes.accessList, list.encoded, of: node, .set, by: Self.user)
                        }
                    }
                    try await gate.holds(.setAttributes)
                    try await change(
                        kind == "chown" ? AttributeChange(mode: 0o4755) : AttributeChange(user: 0))
                    await gate.pass(.setAttributes, goesOn: true, losesAnswers: true)
                    #expect(try await outcome == ETIMEDOUT)
                    try await gate.holds(.setAttributes)
                    #expect(try await other.permissions("f")?.mode == mode)
                    await gate.pass(.setAttributes)
                    let deadline = ContinuousClock.now + .seconds(20)
                    while try await other.permissions("f")?.mode == mode, ContinuousClock.now < deadline {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    #expect(try await other.permissions("f")?.mode == mode & 0o777)
                }
            }
        }
    }
}
