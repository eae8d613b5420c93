import Filesystem
import Glibc
import TestSupport
import Testing

/// On a cluster of its own, whose owner changes.
@Suite(ClusterTrait(), .timeLimit(.minutes(2))) struct DefaultOwnerTests {
    @Test func anotherOwnerOfTheClusterIsNoticed() async throws {
        var options = FilesystemOptions.withoutMemory
        options.defaultsNanoseconds = 0
        try await Host.run([options]) { hosts in
            let own = hosts[0]
            try await own.store("f", "text")
            #expect(try await own.permissions("f") == Permissions(mode: 0o644, user: geteuid(), group: getegid()))
            try #require(RunningCluster.current).giveTo(uid: 4242, gid: 4343)
            let deadline = ContinuousClock.now + .seconds(60)
            while try await own.permissions("f")?.user != 4242, ContinuousClock.now < deadline {}
            #expect(try await own.permissions("f") == Permissions(mode: 0o644, user: 4242, group: 4343))
        }
    }
}
