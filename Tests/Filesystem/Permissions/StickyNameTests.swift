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
                            loop: host.loop, filesystem: host.filesystem, observer: host.observer,
                            losses: host.losses, directory: directory))
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

        /// Two hosts in a directory of 4000's where everybody may make names and keeps his own.
        private static func run(
            _ options: [FilesystemOptions] = [.withoutMemory, .withoutMemory],
            _ body: @escaping @Sendable (_ own: Host, _ other: Host) async throws -> Void
        ) async throws {
            try await Host.run(options) { hosts in
                let name = Array("sticky".utf8)
                _ = try await hosts[0].filesystem.makeDirectory(
                    name, in: hosts[0].directory, mode: 0o1777, by: Caller(thread: 4, user: 4000, group: 400))
                var places: [Host] = []
                for host in hosts {
                    places.append(host.at(try await host.filesystem.lookup(name, in: host.directory).node))
                }
                try await body(places[0], places[1])
            }
        }

        private static func make(_ name: String, on host: Host, by caller: Caller) async throws {
            let made = try await host.filesystem.create(
                Array(name.utf8), in: host.directory, .truncating, permissions: 0o644, by: caller)
            try await host.write(made.opened.handle, "of \(caller.user)")
            try await host.close(made.opened.handle)
        }

        private static func makeDirectory(_ name: String, on host: Host, by caller: Caller) async throws {
            _ = try await host.filesystem.makeDirectory(Array(name.utf8), in: host.directory, by: caller)
        }

        /// What a kernel has judged is what it was told of the name; what has it now is somebody else's.
        @Test func nobodyTakesTheNameFromWhatOthersHavePutThere() async throws {
            var believing = FilesystemOptions()
            believing.caching.names = 1000
            try await Self.run([believing, .withoutMemory]) { own, other in
                for name in ["f", "g"] { try await Self.make(name, on: own, by: Self.user) }
                try await Self.makeDirectory("d", on: own, by: Self.user)
                for name in ["f", "g", "d"] { _ = try await own.node(name) }
                try await Self.make("theirs", on: other, by: Self.victim)
                try await other.rename("theirs", to: "f")
                try await other.filesystem.removeDirectory(Array("d".utf8), in: other.directory)
                try await Self.makeDirectory("d", on: other, by: Self.victim)
                let place = own.directory
                #expect(try await code { try await own.unlink("f", by: Self.user) } == EPERM)
                #expect(try await code { try await own.rename("f", to: "new", by: Self.user) } == EPERM)
                #expect(try await code { try await own.rename("g", to: "f", by: Self.user) } == EPERM)
                #expect(try await code { try await own.rename("d", to: "new", by: Self.user) } == EPERM)
                #expect(
                    try await code {
                        try await own.filesystem.removeDirectory(Array("d".utf8), in: place, by: Self.user)
                    } == EPERM)
                for host in [own, other] { #expect(try await host.contents("f") == "of 2000") }
                #expect(try await other.permissions("d")?.user == Self.victim.user)
                #expect(own.losses.lines.isEmpty)
            }
        }

        @Test func whatIsOnesOwnCanBeTaken() async throws {
            try await Self.run { own, other in
                // Who made it, who owns the directory, root, and who has the right of root.
                let takers = [Self.victim, Caller(thread: 4, user: 4000, group: 400), .unknown, TestCreators.capable]
                for taker in takers {
                    try await Self.make("f", on: other, by: Self.victim)
                    try await own.unlink("f", by: taker)
                    try await Self.make("f", on: other, by: Self.victim)
                    try await own.rename("f", to: "g", by: taker)
                    try await Self.make("f", on: other, by: Self.victim)
                    try await own.rename("g", to: "f", by: taker)
                    try await Self.makeDirectory("d", on: other, by: Self.victim)
                    try await own.rename("d", to: "e", by: taker)
                    try await own.filesystem.removeDirectory(Array("e".utf8), in: own.directory, by: taker)
                    #expect(try await other.contents("f") == "of 2000")
                }
            }
        }

        @Test func strangersInOtherDirectoriesAskForNothingMore() async throws {
            var believing = FilesystemOptions()
            believing.caching.names = 1000
            try await Host.run([believing]) { hosts in
                let own = hosts[0]
                for name in ["f", "g"] { try await own.store(name, "text") }
                let root = try await own.requests { try await own.unlink("f") }
                let stranger = try await own.requests { try await own.unlink("g", by: Self.user) }
                #expect(stranger == root)
            }
        }

        /// It takes its name at the close, when that may be somebody else's.
        @Test func anUnfinishedFileThatWasRenamedReplacesNobodyElses() async throws {
            for event in ["free", "own", "emptied", "gone"] {
                try await Self.run { own, other in
                    if event != "free" { try await Self.make("f", on: own, by: Self.user) }
                    let mine = try await own.filesystem.create(
                        Array("new".utf8), in: own.directory, .writing, by: Self.user
                    ).opened.handle
                    try await own.write(mine, "mine")
                    try await own.rename("new", to: "f", by: Self.user)
                    if event == "emptied" { try await own.truncate("f", to: 0, through: mine) }
                    if event == "gone" {
                        try await other.unlink("f")
                    } else {
                        try await Self.make("theirs", on: other, by: Self.victim)
                        try await other.rename("theirs", to: "f")
                    }
                    let isGone = event == "gone"
                    #expect(try await code { try await own.close(mine) } == (isGone ? 0 : EACCES), "\(event)")
                    for host in [own, other] {
                        #expect(try await host.contents("f") == (isGone ? "mine" : "of 2000"), "\(event)")
                    }
                }
            }
        }

        /// A kernel knows a new file of one's own under a name that is somebody else's for everybody else.
        @Test func anUnfinishedFileIsNoCoverForWhatOthersHaveMade() async throws {
            try await Self.run { own, other in
                let mine = try await own.filesystem.create(
                    Array("f".utf8), in: own.directory, .writing, by: Self.user
                ).opened.handle
                try await own.write(mine, "mine")
                try await Self.make("f", on: other, by: Self.victim)
                try await Self.make("g", on: own, by: Self.user)
                #expect(try await code { try await own.rename("g", to: "f", by: Self.user) } == EPERM)
                let new = try await own.filesystem.create(
                    Array("new".utf8), in: own.directory, .writing, by: Self.user
                ).opened.handle
                #expect(try await code { try await own.rename("new", to: "f", by: Self.user) } == EPERM)
                try await own.close(new)
                try await own.unlink("f", by: Self.user)
                try await own.close(mine)
                for host in [own, other] { #expect(try await host.contents("f") == "of 2000") }
            }
        }

        /// In any directory: what a new file was renamed over goes with it, and nothing that others have put there.
        @Test func aFileThatIsRenamedOnTakesOnlyWhatItHasReplaced() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                try await Self.renameOn("moved", isOthers: true, hosts)
                try await Self.renameOn("unlinked", isOthers: true, hosts)
                try await Self.renameOn("own", isOthers: false, hosts)
                for host in hosts {
                    #expect(try await host.contents("moved") == "theirs")
                    #expect(try await host.contents("moved on") == "mine")
                    #expect(try await host.contents("unlinked") == "theirs")
                    #expect(try await code { _ = try await host.node("own") } == ENOENT)
                    #expect(try await host.contents("own on") == "mine")
                }
            }
        }

        /// An unfinished file is renamed over one that somebody may replace then, and on.
        private static func renameOn(_ name: String, isOthers: Bool, _ hosts: [Host]) async throws {
            let (own, other) = (hosts[0], hosts[1])
            try await own.store(name, "old")
            let mine = try await own.create("new").opened.handle
            try await own.write(mine, "mine")
            try await own.rename("new", to: name)
            if isOthers {
                try await other.store("theirs", "theirs")
                try await other.rename("theirs", to: name)
            }
            if name == "unlinked" { try await own.unlink(name) } else { try await own.rename(name, to: name + " on") }
            try await own.close(mine)
        }
    }
}
