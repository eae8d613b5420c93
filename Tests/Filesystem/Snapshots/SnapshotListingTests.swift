import Client
import Filesystem
import Glibc
import Protocol
import Testing

@Suite struct SnapshotOffsetTests {
    @Test func theyFollowTheOrderOfTheCluster() {
        let names = (0..<2000).map {
            SnapshotName(name: Array("n\($0)".utf8), time: Timestamp(nanoseconds: UInt64($0)))
        }
        let sorted = names.sorted { NameHash(of: $0.name) < NameHash(of: $1.name) }
        let groups = sorted.map { SnapshotOffset.group(SnapshotOffset.of($0)) }
        #expect(groups == groups.sorted())
        #expect(Set(names.map(SnapshotOffset.of)).count == names.count)
        let versions = (0..<2000).map { SnapshotName(name: [0x61], time: Timestamp(nanoseconds: $0)) }.map(
            SnapshotOffset.of)
        #expect(Set(versions.map(SnapshotOffset.group)).count == 1 && Set(versions).count == versions.count)
        #expect((versions + names.map(SnapshotOffset.of)).allSatisfy { $0 > SnapshotOffset.behindDots && $0 < 1 << 63 })
    }
}

extension OnCluster {
    /// `.sterna` of directories in which very much was overwritten and deleted.
    @Suite struct SnapshotListingTests {
        /// Overwrites one file, and makes and deletes others, each so often.
        private static func change(_ host: Host, _ count: Int, _ round: String) async throws {
            let (client, directory) = (host.filesystem.client, host.directory.inode)
            @Sendable func publish(_ name: String) async throws {
                let writer = try await client.createFile(in: directory, note: [])
                _ = try await writer.finish(Publication(directory: directory, name: Array(name.utf8)))
            }
            try await withThrowingTaskGroup { group in
                group.addTask { for _ in 0..<count { try await publish("f") } }
                for part in 0..<8 {
                    group.addTask {
                        for number in stride(from: part, to: count, by: 8) {
                            try await publish("\(round) \(number)")
                            try await client.unlink(Array("\(round) \(number)".utf8), in: directory)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }

        @Test func eachPageCostsAPageAndEachEntryIsListedOnce() async throws {
            try await Host.run(3) { hosts in
                let (own, other, late) = (hosts[0], hosts[1], hosts[2])
                try await Self.change(own, 600, "a")
                let place = try await SnapshotTests.place(own)
                var listed: [ListedEntry] = []
                let half = try await own.requests { listed = try await ListingTests.list(own, 20, of: place) }
                // What is there is no snapshot.
                #expect(listed.count == 2 + 2 * 600 - 1 && Set(listed.map(\.name)).count == listed.count)
                try await Self.change(own, 600, "b")
                let whole = try await own.requests { listed = try await ListingTests.list(own, 20, of: place) }
                #expect(listed.count == 2 + 4 * 600 - 1 && Set(listed.map(\.name)).count == listed.count)
                #expect(whole < 3 * half, "\(half) requests for half of it, \(whole) for all")
                // seekdir(3), by somebody who has listed it and by one who has not.
                for host in [own, other] {
                    for index in stride(from: 0, to: listed.count, by: 401) {
                        let rest = try await ListingTests.list(host, 1000, from: listed[index].next, of: place)
                        #expect(rest.map(\.name) == listed.dropFirst(index + 1).map(\.name), "behind \(index)")
                    }
                }
                // As an NFS server goes on after a restart.
                let behind = listed[listed.count / 2].next
                let rest = try await ListingTests.list(late, 20, from: behind, of: place)
                #expect(rest.map(\.name) == listed.dropFirst(listed.count / 2 + 1).map(\.name))
            }
        }
    }
}
