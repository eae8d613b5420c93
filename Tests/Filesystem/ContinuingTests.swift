import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Finished files that are continued, by several hosts, too.
    @Suite struct ContinuingTests {
        @Test func appendingContinues() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "one")
                let handle = try await own.open("f", .appending)
                #expect(try await own.read(handle) == "one")
                try await own.write(handle, " two", at: 3, appends: true)
                #expect(try await own.read(handle) == "one two")
                #expect(try await other.contents("f") == "one")
                try await own.close(handle)
                #expect(try await other.contents("f") == "one two")
                // A descriptor that outlives the close begins once more.
                let late = try await own.open("f", .writing)
                try await own.write(late, "!", at: 7)
                try await own.filesystem.close(late, by: .unknown)
                try await own.write(late, "!", at: 8)
                try await own.close(late)
                #expect(try await other.contents("f") == "one two!!")
            }
        }

        @Test func appendsOfTwoHostsAreKept() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("log", "0")
                let mine = try await own.open("log", .appending)
                let theirs = try await other.open("log", .appending)
                try await own.write(mine, "1", at: 1, appends: true)
                try await other.write(theirs, "2", at: 1, appends: true)
                try await other.close(theirs)
                try await own.close(mine)
                for host in hosts { #expect(try await host.contents("log") == "021") }
                // What was cached of it here has another end now.
                #expect(own.observer.changes.contains { if case .content = $0 { true } else { false } })
            }
        }

        @Test func whoOpensAfterALookupFindsNothingOldInCaches() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await other.store("f", "old")
                let known = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                #expect(try await own.contents("f") == "old")
                try await other.edit("f", "new", at: 0)
                // The lookup finds the new version, and the open has nothing to find any more.
                _ = try await own.filesystem.lookup(Array("f".utf8), in: own.directory)
                #expect(own.observer.unheard == [.content(known)])
                _ = try await own.filesystem.open(known, .reading, by: .unknown)
                #expect(own.observer.unheard == [])
            }
        }

        @Test func bothMayBeginALog() async throws {
            try await Host.run(2) { hosts in
                let handles = [
                    try await hosts[0].create("log", .appending).opened.handle,
                    try await hosts[1].create("log", .appending).opened.handle,
                ]
                for (index, host) in hosts.enumerated() {
                    try await host.write(handles[index], "\(index)", appends: true)
                    try await host.close(handles[index])
                }
                #expect(try await hosts[0].contents("log") == "01")
            }
        }

        @Test func otherEditsOfAFileThatHasChangedAreRefused() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "base")
                let mine = try await own.open("f", .writing)
                try await own.write(mine, " mine", at: 4)
                let theirs = try await other.open("f", .writing)
                try await other.write(theirs, " theirs", at: 4)
                try await other.close(theirs)
                #expect(try await code { try await own.close(mine) } == ESTALE)
                for host in hosts { #expect(try await host.contents("f") == "base theirs") }
            }
        }

        @Test func anOpenFindsWhatOthersHavePublished() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let known = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                try await other.edit("f", "newer", at: 0)
                // The name need not be looked up for that, and what was cached is forgotten.
                let reading = try await own.filesystem.open(known, .reading, by: .unknown).handle
                #expect(try await own.read(reading) == "newer")
                #expect(own.observer.changes == [.content(known)])
                #expect(try await own.filesystem.attributes(known).size == 5)
                // Another file of that name is none of it.
                try await other.unlink("f")
                try await other.store("f", "another")
                #expect(
                    try await code { _ = try await own.filesystem.open(known, .reading, by: .unknown) } == ESTALE)
                #expect(try await own.contents("f") == "another")
                #expect(try await own.read(reading) == "newer")
            }
        }

        @Test func whoHasAFileOpenGoesOnWithWhatWasAppended() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let text = (0..<100_000).map { "line \($0)\n" }.joined()
                try await own.store("log", text)
                let node = try await own.node("log")
                let (reading, writing) = (try await own.open("log", .reading), try await own.open("log", .writing))
                try await other.append("log", "more")
                #expect(try await own.read(reading).count == 1 << 20)
                // Somebody on this host looks at the name.
                #expect(try await own.size("log") == UInt64(text.utf8.count) + 4)
                #expect(try await own.node("log") == node)
                let end = try await own.filesystem.read(reading, at: UInt64(text.utf8.count - 3), count: 100).bytes
                #expect(String(decoding: end, as: UTF8.self) == text.suffix(3) + "more")
                // What he knew as the end is not it any more.
                #expect(
                    try await code { try await own.write(writing, "!", at: UInt64(text.utf8.count)) } == ESTALE)
                #expect(try await code { try await own.close(writing) } == ESTALE)
            }
        }

        @Test("whoever meets a newer version in the middle of his first change has not seen that", arguments: 0..<3)
        func outdatedWhileStaging(change: Int) async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let text = (0..<100_000).map { "line \($0)\n" }.joined()
                let size = UInt64(text.utf8.count)
                for round in 0..<8 {
                    let name = "log \(round)"
                    try await own.store(name, text)
                    let (node, writing) = (try await own.node(name), try await own.open(name, .writing))
                    try await other.append(name, "more")
                    async let changed = code {
                        switch change {
                        case 0: try await own.write(writing, "!", at: size)
                        case 1:
                            _ = try await own.filesystem.setAttributes(
                                node, AttributeChange(size: size + 1), through: writing)
                        default: try await own.filesystem.allocate(writing, .plain, 0..<size + 1)
                        }
                    }
                    // Somebody on this host looks at the name while the next version is begun, or when it is.
                    #expect(try await own.size(name) >= size)
                    #expect([0, ESTALE].contains(try await changed))
                    #expect(try await code { try await own.close(writing) } == ESTALE)
                    #expect(try await other.size(name) == size + 4)
                    let reading = try await other.open(name, .reading)
                    let end = try await other.filesystem.read(reading, at: size - 1, count: 10).bytes
                    #expect(String(decoding: end, as: UTF8.self) == "\nmore")
                }
            }
        }

        @Test func whoHasAFileOpenKeepsItWhenOthersChangeIt() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "first version")
                let node = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                let (reading, writing) = (try await own.open("f", .reading), try await own.open("f", .writing))
                try await other.edit("f", "second", at: 0)
                #expect(try await own.contents("f") == "secondversion")
                #expect(try await own.read(reading) == "first version")
                // Both at once, so as two nodes.
                let newer = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                #expect(newer != node)
                #expect(
                    try await code { _ = try await own.filesystem.open(node, .reading, by: .unknown) } == ESTALE)
                try await other.edit("f", "third ", at: 0)
                #expect(try await own.contents("f") == "third version")
                #expect(try await code { try await own.write(writing, "lost", at: 0) } == ESTALE)
                #expect(try await code { try await own.close(writing) } == ESTALE)
                #expect(try await own.read(reading) == "first version")
                try await own.close(reading)
                for id in [node, newer] { await own.filesystem.forget(id, 100) }
                #expect(try await own.node("f") == node)
            }
        }

        @Test func aVersionThatIsBroughtBackOverItsFileIsAnotherFile() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "first")
                try await own.edit("f", "second", at: 0)
                let (reading, writing) = (try await own.open("f", .reading), try await own.open("f", .writing))
                #expect(try await own.read(reading) == "second")
                try await other.bringBack("f", as: "f")
                for host in hosts { #expect(try await host.contents("f") == "first") }
                #expect(try await own.read(reading) == "second")
                let outcome = try await code {
                    try await own.write(writing, "!", at: 6)
                    try await own.close(writing)
                }
                #expect(outcome == ESTALE)
                for host in hosts { #expect(try await host.contents("f") == "first") }
            }
        }

        @Test func aVersionThatIsBroughtBackBesideItsFileIsAnotherFile() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "first")
                try await own.edit("f", "second", at: 0)
                try await other.bringBack("f", as: "g")
                let node = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                // As a kernel that believes what it was told of the first name.
                #expect(try await own.filesystem.lookup(Array("g".utf8), in: own.directory).node != node)
                let handle = try await own.filesystem.open(node, .appending, by: .unknown).handle
                try await own.write(handle, "!", at: 6, appends: true)
                try await own.close(handle)
                for host in hosts {
                    #expect(try await host.contents("f") == "second!")
                    #expect(try await host.contents("g") == "first")
                }
                try await other.append("g", "!")
                for host in hosts { #expect(try await host.contents("g") == "first!") }
            }
        }

        @Test func sizesChangeByPathAndByHandle() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "abc")
                let node = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                let longer = try await own.filesystem.setAttributes(node, AttributeChange(size: 5), through: nil)
                #expect(longer.size == 5)
                #expect(try await other.contents("f") == "abc\0\0")
                try await own.truncate("f", to: 2)
                #expect(try await other.contents("f") == "ab")
                let handle = try await own.filesystem.open(node, .writing, by: .unknown).handle
                try await own.truncate("f", to: 1, through: handle)
                try await own.write(handle, "-", at: 2)
                _ = try await own.filesystem.setAttributes(node, AttributeChange(size: 4), through: handle)
                #expect(try await own.read(handle) == "a\0-\0")
                _ = try await own.filesystem.setAttributes(node, AttributeChange(size: 0), through: handle)
                try await own.write(handle, "new")
                #expect(try await other.contents("f") == "ab")
                try await own.close(handle)
                #expect(try await other.contents("f") == "new")
            }
        }

        @Test func whatIsChangedAfterItsTimeWasSetIsNotAsOld() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let time = Timestamp(nanoseconds: 1_000_000_007_000_000_000)
                for isNew in [true, false] {
                    for change in 0..<6 {
                        if !isNew { try await own.store("f", "text") }
                        let handle = isNew
                            ? try await own.create("f").opened.handle : try await own.open("f", .writing)
                        try await own.write(handle, "0123")
                        let node = try await own.node("f")
                        // touch -d, while somebody writes.
                        _ = try await own.filesystem.setAttributes(
                            node, AttributeChange(modified: .at(time), accessed: .at(time)), through: nil)
                        switch change {
                        case 0: try await own.write(handle, "4", at: 4)
                        case 1: try await own.truncate("f", to: 2, through: handle)
                        case 2: try await own.truncate("f", to: 4, through: handle)
                        case 3: try await own.truncate("f", to: 0, through: handle)
                        case 4: try await own.filesystem.allocate(handle, .punchHole, 0..<2)
                        default: try await own.close(try await own.open("f", .truncating))
                        }
                        #expect(try await own.filesystem.attributes(node).modified > time, "\(change)")
                        try await own.close(handle)
                        for host in hosts {
                            let found = try await host.attributes("f")
                            #expect(found.modified > time, "\(change)")
                            #expect(found.accessed == time)
                        }
                        try await other.unlink("f")
                    }
                }
            }
        }

        @Test func timesOfAFileOutliveAnEditOfIt() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let time = Timestamp(nanoseconds: 1_000_000_007_000_000_000)
                try await own.store("f", "text")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "lost")
                _ = try await own.change("f", AttributeChange(modified: .at(time), accessed: .at(time)))
                try await own.filesystem.close(handle, by: TestCreators.killed)
                await own.filesystem.release(handle)
                for host in hosts {
                    let found = try await host.attributes("f")
                    #expect(found.modified == time && found.accessed == time)
                    #expect(try await host.contents("f") == "text")
                }
                #expect(try await other.attributes("f").modified == time)
            }
        }

        @Test func holesAreCountedAsSoonAsTheFileIsFinished() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                for change in 0..<3 {
                    let name = "f\(change)"
                    let handle = try await own.create(name).opened.handle
                    switch change {
                    case 0: try await own.write(handle, "end", at: 64 << 20)
                    case 1: try await own.truncate(name, to: 64 << 20, through: handle)
                    default: try await own.filesystem.allocate(handle, .plain, 0..<64 << 20)
                    }
                    try await own.close(handle)
                    let holes = try await own.attributes(name).holeBytes
                    #expect(holes > 0)
                    #expect(try await other.attributes(name).holeBytes == holes)
                }
            }
        }

        @Test func timesThatWereSetEarlyArriveWithTheFile() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let created = try await own.create("f")
                let time = Timestamp(nanoseconds: 1_000_000_007_000_000_000)
                _ = try await own.filesystem.setAttributes(
                    created.entry.node, AttributeChange(modified: .at(time)), through: nil)
                try await own.close(created.opened.handle)
                let found = try await other.filesystem.lookup(Array("f".utf8), in: other.directory)
                #expect(found.attributes.modified == time)
            }
        }
    }
}

extension Host {
    /// Gives the oldest version of a file that history keeps a name again, as other clients than this one can.
    fileprivate func bringBack(_ name: String, as new: String) async throws {
        let (client, parent) = (filesystem.client, directory.inode)
        let past = try await client.readFullDirectory(parent).first {
            !$0.current && $0.name == Array(name.utf8) && $0.targetId.flag
        }
        let edge = try #require(past)
        _ = try await client.call(
            SameDirectoryRenameSnapshotRequest(
                targetId: edge.targetId.id, dirId: parent, oldName: edge.name, oldCreationTime: edge.creationTime,
                newName: Array(new.utf8)),
            shard: parent.shard)
    }
}
