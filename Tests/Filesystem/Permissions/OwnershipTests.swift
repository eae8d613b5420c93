import Client
import Filesystem
import Glibc
import Protocol
import TestSupport
import Testing

extension OnCluster {
    /// Owners and modes, as programs of several users set and see them.
    @Suite struct OwnershipTests {
        private static let user = Caller(thread: 1, user: 1000, group: 100, umask: 0o022)
        private static let other = Caller(thread: 2, user: 2000, group: 200, umask: 0o077)

        private static func permissions(_ mode: UInt16, _ caller: Caller) -> Permissions {
            Permissions(mode: mode, user: caller.user, group: caller.group)
        }

        @Test func whatIsMadeKeepsItsOwnerAndMode() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let filesystem = own.filesystem
                let file = try await filesystem.create(
                    Array("f".utf8), in: own.directory, .writing, permissions: 0o666, by: Self.user)
                #expect(file.entry.attributes.permissions == Self.permissions(0o644, Self.user))
                try await own.close(file.opened.handle)
                _ = try await filesystem.makeDirectory(Array("d".utf8), in: own.directory, mode: 0o777, by: Self.other)
                _ = try await filesystem.makeSymbolicLink(
                    Array("l".utf8), in: own.directory, to: [1], by: Self.user)
                _ = try await filesystem.makeFile(Array("e".utf8), in: own.directory, mode: 0o604, by: Self.user)
                for host in hosts {
                    #expect(try await host.permissions("f") == Self.permissions(0o644, Self.user))
                    #expect(try await host.permissions("d") == Self.permissions(0o700, Self.other))
                    #expect(try await host.permissions("l") == Self.permissions(0o777, Self.user))
                    #expect(try await host.permissions("e") == Self.permissions(0o604, Self.user))
                }
                // As where nothing was ever set.
                try await other.store("default", "x")
                #expect(try await own.permissions("default")?.mode == 0o644)
            }
        }

        @Test func changesHoldAtOnceAndElsewhere() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "x")
                let before = try await own.attributes("f")
                let changed = try await own.change("f", AttributeChange(mode: 0o600, user: 5))
                #expect(changed.permissions == Permissions(mode: 0o600, user: 5, group: 0))
                #expect(changed.changed >= before.changed && changed.modified == before.modified)
                #expect(try await other.permissions("f") == Permissions(mode: 0o600, user: 5, group: 0))
                _ = try await other.change("f", AttributeChange(group: 6))
                #expect(try await own.permissions("f") == Permissions(mode: 0o600, user: 5, group: 6))
            }
        }

        @Test func whatIsSetBeforeTheCloseIsPublishedWithTheFile() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let created = try await own.create("f")
                try await own.write(created.opened.handle, "text")
                let time = Timestamp(nanoseconds: 1_000_000_000_123_456_789)
                let seen = try await own.change(
                    "f", AttributeChange(modified: .at(time), mode: 0o4751, user: 7, group: 8))
                #expect(seen.permissions == Permissions(mode: 0o4751, user: 7, group: 8))
                try await own.filesystem.setExtendedAttribute(
                    Array("user.a".utf8), [1, 2], of: created.entry.node, .create)
                let requests = try await own.requests {
                    try await own.filesystem.close(created.opened.handle, by: .unknown)
                }
                // One that publishes it.
                #expect(requests == 1)
                await own.filesystem.release(created.opened.handle)
                let found = try await other.attributes("f")
                #expect(found.permissions == Permissions(mode: 0o4751, user: 7, group: 8))
                #expect(found.modified == time && found.changed > time)
                #expect(try await other.extended("user.a", of: "f") == [1, 2])
            }
        }

        @Test func theNextVersionKeepsThemAndAReplacementBringsItsOwn() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let expected = Permissions(mode: 0o640, user: 7, group: 8)
                try await own.store("f", "x")
                _ = try await own.change("f", AttributeChange(mode: 0o640, user: 7, group: 8))
                try await own.filesystem.setExtendedAttribute(
                    Array("user.a".utf8), [1], of: try await own.node("f"), .set)
                for host in hosts {
                    try await host.edit("f", "edited", at: 0)
                    #expect(try await own.permissions("f") == expected)
                    let handle = try await host.open("f", .truncating)
                    try await host.write(handle, "anew")
                    #expect(try await host.permissions("f") == expected)
                    try await host.close(handle)
                    try await host.append("f", "more")
                    for seeing in hosts {
                        #expect(try await seeing.permissions("f") == expected)
                        #expect(try await seeing.extended("user.a", of: "f") == [1])
                    }
                }
                let made = try await own.filesystem.create(
                    Array("g".utf8), in: own.directory, .writing, permissions: 0o600, by: Self.user)
                try await own.close(made.opened.handle)
                try await own.rename("g", to: "f")
                #expect(try await other.permissions("f") == Self.permissions(0o600, Self.user))
                #expect(try await other.extended("user.a", of: "f") == nil)
            }
        }

        @Test func attributesGoAlongToOtherShards() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let (expected, name) = (Permissions(mode: 0o2750, user: 7, group: 8), Array("f".utf8))
                try await own.store("f", "x")
                _ = try await own.change("f", AttributeChange(mode: 0o2750, user: 7, group: 8))
                try await own.filesystem.setExtendedAttribute(
                    Array("user.a".utf8), [1], of: try await own.node("f"), .set)
                for index in 0..<6 {
                    let made = try await own.filesystem.makeDirectory(Array("d\(index)".utf8), in: own.directory)
                    // An edit that is moved while it is written is copied to where its name is.
                    let handle = try await own.open("f", .writing)
                    try await own.write(handle, "\(index)", at: 0)
                    try await own.filesystem.rename(name, in: own.directory, to: name, in: made.node, replaces: true)
                    try await own.close(handle)
                    let moved = try await other.filesystem.lookup(name, in: made.node)
                    #expect(moved.attributes.permissions == expected)
                    #expect(try await other.filesystem.extendedAttribute(Array("user.a".utf8), of: moved.node) == [1])
                    // A new one reaches its place by another name.
                    let fresh = try await own.filesystem.create(
                        Array("n".utf8), in: own.directory, .writing, permissions: 0o640, by: Self.user)
                    try await own.filesystem.rename(
                        Array("n".utf8), in: own.directory, to: Array("n".utf8), in: made.node, replaces: true)
                    try await own.close(fresh.opened.handle)
                    let found = try await other.filesystem.lookup(Array("n".utf8), in: made.node)
                    #expect(found.attributes.permissions == Self.permissions(0o640, Self.user))
                    try await own.filesystem.rename(name, in: made.node, to: name, in: own.directory, replaces: true)
                }
            }
        }

        @Test func whatIsChangedWhileAFileIsEditedDoesNotWaitForTheEdit() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "x")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "y")
                _ = try await own.change("f", AttributeChange(mode: 0o600))
                #expect(try await other.permissions("f")?.mode == 0o600)
                // What others set meanwhile holds here, too.
                _ = try await other.change("f", AttributeChange(user: 9))
                #expect(try await own.permissions("f")?.user == 9)
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                #expect(try await other.contents("f") == "x")
                #expect(try await own.permissions("f") == Permissions(mode: 0o600, user: 9, group: 0))
            }
        }

        @Test func writingTakesTheRightToRunAsTheOwner() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                /// Of a program of root, after somebody has done this to it.
                func mode(
                    _ initial: UInt16, becomes expected: UInt16, _ body: (HandleID, NodeID) async throws -> Void
                ) async throws {
                    try await own.store("p", "program")
                    let node = try await own.node("p")
                    _ = try await own.change("p", AttributeChange(mode: initial))
                    let handle = try await own.open("p", .writing)
                    try await body(handle, node)
                    let seen = try await own.permissions("p")?.mode
                    try await own.close(handle)
                    #expect(try await other.permissions("p")?.mode == seen)
                    try await own.unlink("p")
                    #expect(seen == expected)
                }
                let filesystem = own.filesystem
                try await mode(0o6755, becomes: 0o755) { handle, _ in
                    try await filesystem.write(handle, [1], at: 0, appends: false, by: Self.user)
                }
                // The bit for the group means something else where that cannot execute.
                try await mode(0o6745, becomes: 0o2745) { handle, _ in
                    try await filesystem.write(handle, [1], at: 0, appends: false, by: Self.user)
                }
                try await mode(0o6755, becomes: 0o6755) { handle, _ in
                    try await filesystem.write(handle, [1], at: 0, appends: false)
                }
                try await mode(0o4755, becomes: 0o755) { handle, node in
                    _ = try await filesystem.setAttributes(
                        node, AttributeChange(size: 3), through: handle, by: Self.user)
                }
                try await mode(0o4755, becomes: 0o755) { handle, _ in
                    try await filesystem.allocate(handle, .punchHole, 0..<2, by: Self.user)
                }
                try await mode(0o4755, becomes: 0o755) { _, node in
                    let second = try await filesystem.open(node, .truncating, by: Self.user)
                    await filesystem.release(second.handle)
                }
                // Another owner, whoever gives it away.
                try await mode(0o6755, becomes: 0o755) { _, node in
                    _ = try await filesystem.setAttributes(node, AttributeChange(user: 5), through: nil)
                }
                // Unless it is set with that.
                try await mode(0o755, becomes: 0o4755) { _, node in
                    _ = try await filesystem.setAttributes(
                        node, AttributeChange(mode: 0o4755, user: 5), through: nil)
                }
            }
        }

        @Test func changedProgramsLoseTheirCapabilities() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for change in 0..<3 {
                    try await own.store("p", "program")
                    let node = try await own.node("p")
                    for name in ["security.capability", "user.kept"] {
                        try await own.filesystem.setExtendedAttribute(Array(name.utf8), [1], of: node, .set)
                    }
                    #expect(try await other.extended("security.capability", of: "p") == [1])
                    switch change {
                    case 0: try await own.edit("p", "x", at: 0)
                    case 1: _ = try await own.change("p", AttributeChange(group: 5))
                    default: try await own.truncate("p", to: 3)
                    }
                    for host in hosts {
                        #expect(try await host.extended("security.capability", of: "p") == nil)
                        #expect(try await host.extended("user.kept", of: "p") == [1])
                    }
                    try await own.unlink("p")
                }
            }
        }

        /// As cp and tar do that copy them, and whoever installs a program over another.
        @Test func capabilitiesGivenAfterTheLastWriteStay() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let name = Array("security.capability".utf8)
                for mode in [OpenMode.truncating, .appending, .writing] {
                    try await own.store("p", "program")
                    let node = try await own.node("p")
                    let handle = try await own.open("p", mode)
                    for round in 0..<3 as Range<UInt8> {
                        try await own.write(handle, "x", appends: mode.appends)
                        #expect(try await other.extended("security.capability", of: "p") == (round == 0 ? nil : [1]))
                        try await own.filesystem.setExtendedAttribute(name, [1], of: node, .set)
                        if round == 1 { try await own.synchronize(handle) }
                    }
                    try await own.close(handle)
                    for host in hosts { #expect(try await host.extended("security.capability", of: "p") == [1]) }
                    // What is taken away again does not come back, and the next change takes it.
                    let again = try await own.open("p", .writing)
                    try await own.write(again, "y")
                    try await own.filesystem.setExtendedAttribute(name, [2], of: node, .set)
                    if !mode.appends, !mode.truncates {
                        try await own.filesystem.removeExtendedAttribute(name, of: node)
                    } else {
                        try await own.write(again, "z")
                    }
                    try await own.close(again)
                    for host in hosts { #expect(try await host.extended("security.capability", of: "p") == nil) }
                    try await own.unlink("p")
                }
            }
        }

        @Test func aCapabilityThatAnotherHostHasTakenAwayDoesNotComeBack() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let name = Array("security.capability".utf8)
                for mode in [OpenMode.truncating, .appending, .writing] {
                    try await own.store("p", "program")
                    let node = try await own.node("p")
                    let handle = try await own.open("p", mode)
                    try await own.write(handle, "x", appends: mode.appends)
                    try await own.filesystem.setExtendedAttribute(name, [1], of: node, .set)
                    try await other.filesystem.removeExtendedAttribute(name, of: try await other.node("p"))
                    try await own.close(handle)
                    for host in hosts { #expect(try await host.extended("security.capability", of: "p") == nil) }
                    try await own.unlink("p")
                }
            }
        }

        @Test func aNewProgramLosesItsCapabilitiesWithTheNextWrite() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let created = try await own.create("p")
                for name in ["security.capability", "user.kept"] {
                    try await own.filesystem.setExtendedAttribute(
                        Array(name.utf8), [1], of: created.entry.node, .set)
                }
                try await own.write(created.opened.handle, "program")
                try await own.close(created.opened.handle)
                #expect(try await own.extended("security.capability", of: "p") == nil)
                #expect(try await own.extended("user.kept", of: "p") == [1])
            }
        }

        @Test func directoriesGiveTheirGroupAndTheirList() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let filesystem = own.filesystem
                let made = try await filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                _ = try await filesystem.setAttributes(
                    made.node, AttributeChange(mode: 0o2775, group: 55), through: nil)
                let below = try await filesystem.makeDirectory(
                    Array("e".utf8), in: made.node, mode: 0o755, by: Self.user)
                #expect(below.attributes.permissions == Permissions(mode: 0o2755, user: 1000, group: 55))
                let list = try #require(
                    AccessControlList([
                        .init(.owner, 7), .init(.user, 6, id: 3), .init(.owningGroup, 5), .init(.mask, 7),
                        .init(.others, 0),
                    ]))
                try await filesystem.setExtendedAttribute(
                    ExtendedAttributes.defaultList, list.encoded, of: below.node, .set)
                let file = try await filesystem.create(
                    Array("f".utf8), in: below.node, .writing, permissions: 0o666, by: Self.other)
                try await own.close(file.opened.handle)
                let seen = try await other.filesystem.lookup(Array("d".utf8), in: other.directory)
                let inner = try await other.filesystem.lookup(Array("e".utf8), in: seen.node)
                let found = try await other.filesystem.lookup(Array("f".utf8), in: inner.node)
                #expect(found.attributes.permissions == Permissions(mode: 0o660, user: 2000, group: 55))
                let inherited = try await other.filesystem.extendedAttribute(
                    ExtendedAttributes.accessList, of: found.node)
                #expect(AccessControlList(encoded: inherited) == list.inherited(mode: 0o666))
            }
        }

        @Test func nobodyMakesAProgramOfAGroupThatHeIsNotIn() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let made = try await own.filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                for (group, mode, expected): (UInt32, UInt16, UInt16) in [
                    (55, 0o2755, 0o755), (55, 0o2745, 0o2745), (TestCreators.sharedGroup, 0o2755, 0o2755),
                    (Self.user.group, 0o2755, 0o2755),
                ] {
                    _ = try await own.filesystem.setAttributes(
                        made.node, AttributeChange(mode: 0o2777, group: group), through: nil)
                    for name in ["created", "made"] {
                        let attributes: Attributes
                        if name == "made" {
                            attributes = try await own.filesystem.makeFile(
                                Array(name.utf8), in: made.node, mode: mode, by: Self.user
                            ).attributes
                        } else {
                            let file = try await own.filesystem.create(
                                Array(name.utf8), in: made.node, .writing, permissions: mode, by: Self.user)
                            try await own.close(file.opened.handle)
                            attributes = file.entry.attributes
                        }
                        #expect(attributes.permissions == Permissions(mode: expected, user: 1000, group: group))
                        try await own.filesystem.unlink(Array(name.utf8), in: made.node)
                    }
                }
            }
        }

        @Test func directoriesKeepTheirTimesUntilTheyChange() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let made = try await own.filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                let (modified, accessed) = (Timestamp(nanoseconds: 5_000_000_001), Timestamp(nanoseconds: 6))
                let set = try await own.change(
                    "d", AttributeChange(modified: .at(modified), accessed: .at(accessed)))
                #expect(set.modified == modified && set.accessed == accessed && set.changed > modified)
                #expect(try await other.attributes("d").modified == modified)
                _ = try await other.filesystem.makeFile(
                    Array("f".utf8), in: try await other.node("d"))
                let changed = try await own.filesystem.attributes(made.node)
                #expect(changed.modified > modified && changed.accessed == accessed)
            }
        }

        @Test func specialFilesAreAnInodeAndNothingElse() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let kinds: [SpecialFile] = [.fifo, .socket, .characterDevice(0x103), .blockDevice(0x0801)]
                for (index, kind) in kinds.enumerated() {
                    let name = "s\(index)"
                    let made = try await own.filesystem.makeFile(
                        Array(name.utf8), in: own.directory, mode: 0o622, special: kind, by: Self.user)
                    #expect(made.attributes.special == kind)
                    let seen = try await other.attributes(name)
                    #expect(seen.special == kind && seen.size == 0)
                    #expect(seen.permissions == Self.permissions(0o600, Self.user))
                    try await other.rename(name, to: "moved")
                    #expect(try await own.attributes("moved").special == kind)
                    try await own.unlink("moved")
                }
            }
        }

        @Test func renamingMovesTheTimeOfChange() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let old = Timestamp(nanoseconds: 1_000_000_000)
                try await own.store("f", "x")
                let before = try await own.change("f", AttributeChange(modified: .at(old)))
                try await own.rename("f", to: "g")
                let after = try await own.attributes("g")
                #expect(after.modified == old && after.changed > before.changed)
                #expect(try await other.attributes("g").changed == after.changed)
            }
        }

        @Test func whereOwnersAreFixedNothingIsStored() async throws {
            var options = FilesystemOptions.withoutMemory
            options.ownership = .fixed
            try await Host.run(1, options: options) { hosts in
                let own = hosts[0]
                let made = try await own.filesystem.create(
                    Array("f".utf8), in: own.directory, .writing, permissions: 0o600, by: Self.user)
                try await own.close(made.opened.handle)
                let changed = try await own.change("f", AttributeChange(mode: 0o600, user: 7))
                #expect(changed.permissions == nil)
                let code = try await code {
                    try await own.filesystem.setExtendedAttribute(Array("user.a".utf8), [], of: changed.node, .set)
                }
                #expect(code == EOPNOTSUPP)
            }
        }
    }
}
