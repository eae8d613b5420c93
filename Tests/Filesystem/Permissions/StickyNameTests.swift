import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Names in directories in which everybody keeps what is his.
    @Suite struct StickyNameTests {
        private static let user = Caller(thread: 1, user: 1000, group: 100, umask: 0o022)
        private static let victim = Caller(thread: 2, user: 2000, group: 200, umask: 0o022)

        @Test func whoEmptiesWhatHeMakesReplacesNobodyElses() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let own = hosts[0]
                let name = Array("sticky".utf8)
                let made = try await own.filesystem.makeDirectory(
                    name, in: own.directory, mode: 0o1777, by: Caller(thread: 4, user: 4000, group: 400))
                _ = try await hosts[1].filesystem.lookup(name, in: own.directory)
                let places = hosts.map { $0.at(made.node) }
                let mine = try await places[0].filesystem.create(
                    Array("f".utf8), in: made.node, .writing, by: Self.user
                ).opened.handle
                try await places[0].write(mine, "mine")
                try await places[0].truncate("f", to: 0, through: mine)
                let theirs = try await places[1].filesystem.create(
                    Array("f".utf8), in: made.node, .writing, by: Self.victim
                ).opened.handle
                try await places[1].write(theirs, "theirs")
                try await places[1].close(theirs)
                #expect(try await code { try await places[0].close(mine) } == EACCES)
                for place in places { #expect(try await place.contents("f") == "theirs") }
            }
        }

        @Test func inAStickyDirectoryANewFileReplacesNobodyElses() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let name = Array("sticky".utf8)
                let owner = Caller(thread: 4, user: 4000, group: 400)
                var places: [Host] = []
                _ = try await own.filesystem.makeDirectory(name, in: own.directory, mode: 0o1777, by: owner)
                for host in hosts {
                    let directory = try await host.filesystem.lookup(name, in: host.directory).node
                    places.append(
                        Host(
                            filesystem: host.filesystem, observer: host.observer, losses: host.losses,
                            directory: directory))
                }
                func make(_ name: String, on host: Host, by caller: Caller) async throws -> HandleID {
                    let made = try await host.filesystem.create(
                        Array(name.utf8), in: host.directory, .truncating, permissions: 0o666, by: caller)
                    try await host.write(made.opened.handle, "of \(caller.user)")
                    return made.opened.handle
                }
                let makers = [(Self.user, false), (Self.victim, true), (owner, true), (Caller(thread: 5), true)]
                for (maker, mayReplace) in makers {
                    let name = "f \(maker.user)"
                    let mine = try await make(name, on: places[0], by: maker)
                    try await places[1].close(try await make(name, on: places[1], by: Self.victim))
                    #expect(try await code { try await places[0].close(mine) } == (mayReplace ? 0 : EACCES), "\(name)")
                    for place in places {
                        #expect(try await place.contents(name) == "of \(mayReplace ? maker.user : Self.victim.user)")
                    }
                    if mayReplace {
                        // As whatever else is replaced.
                        let place = try await SnapshotTests.place(other, in: places[1].directory)
                        let shown = try await ListingTests.list(other, of: place)
                        #expect(shown.filter { $0.name.starts(with: name.utf8) }.count == 1, "\(name)")
                    }
                }
                #expect(own.losses.lines == ["close EACCES"])
                // What has gone again is in nobody's way; a directory is.
                for (event, expected) in [("gone", 0), ("directory", EISDIR)] {
                    let mine = try await make(event, on: places[0], by: Self.user)
                    if event == "gone" {
                        try await places[1].close(try await make(event, on: places[1], by: Self.victim))
                        try await places[1].unlink(event)
                    } else {
                        _ = try await places[1].filesystem.makeDirectory(Array(event.utf8), in: places[1].directory)
                    }
                    #expect(try await code { try await places[0].close(mine) } == expected, "\(event)")
                }
            }
        }
    }
}
