import Foundation
import Testing

extension EndToEnd {
    /// Clusters whose metadata has several replicas: processes die, stand still and lose their disks, and programs on a
    /// mount do not notice.
    @Suite(.serialized) struct ReplicaTests {
        private static let services = ["registry", "shard", "cdc"].flatMap { [$0, "\($0)-1", "\($0)-2"] }

        @Test(
            "processes die one after the other, and every write succeeds and stays", .timeLimit(.minutes(5)),
            arguments: ["", "--with mount:--base-protocol-only"])
        func processesDie(_ options: String) throws {
            let cluster = try TestCluster("--replicas 3 \(options)")
            try cluster.awaitReplicas()
            let writes = try Writes(on: cluster)
            for service in Self.services {
                try writes.goOn(for: 5)
                try cluster.killAndAwaitRestart(service)
                try cluster.awaitReplicas()
            }
            try writes.finish()
            try writes.check()
            try cluster.checkEachRegistry()
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
            try cluster.start()
            try writes.check()
        }

        @Test("a process that stands still is replaced, and does no harm when it goes on", .timeLimit(.minutes(4)))
        func processesStandStill() throws {
            let cluster = try TestCluster("--replicas 3")
            try cluster.awaitReplicas()
            let writes = try Writes(on: cluster)
            for service in Self.services {
                let process = try #require(cluster.pid(of: service))
                kill(process, SIGSTOP)
                defer { kill(process, SIGCONT) }
                // Longer than any time-out between replicas.
                usleep(3_000_000)
                try writes.goOn(for: 5)
                kill(process, SIGCONT)
                try cluster.awaitReplicas()
            }
            try writes.finish()
            try writes.check()
        }

        @Test("disks are lost one after the other, until nothing is where it was written", .timeLimit(.minutes(5)))
        func disksAreLost() throws {
            let cluster = try TestCluster("--replicas 3")
            try cluster.awaitReplicas()
            let writes = try Writes(on: cluster)
            try writes.goOn(for: 10)
            for service in Self.services {
                try sh("mv '\(cluster.directory)/\(service)' '\(cluster.directory)/lost-\(service)'")
                try cluster.killAndAwaitRestart(service)
                try cluster.awaitReplicas()
            }
            try writes.finish()
            try writes.check()
            cluster.stop()
            try cluster.start()
            try writes.check()
        }

        @Test("a cluster with one replica becomes one with three", .timeLimit(.minutes(4)))
        func clustersGrow() throws {
            let cluster = try TestCluster()
            let writes = try Writes(on: cluster)
            try writes.goOn(for: 20)
            try writes.finish()
            cluster.stop()
            cluster.arguments = "--replicas 3"
            try cluster.start()
            try cluster.awaitReplicas()
            try writes.check()
            // What was written to the only one is with the others.
            try sh("mv '\(cluster.directory)/shard' '\(cluster.directory)/lost'")
            try cluster.killAndAwaitRestart("shard")
            try cluster.awaitReplicas()
            try writes.check()
        }
    }
}

extension TestCluster {
    /// Asks each registry alone for something that only the leader knows, as clients do that know of one.
    func checkEachRegistry() throws {
        let addresses = try sh("cat '\(directory)'/run/registry*.address").split(separator: "\n")
        #expect(addresses.count > 1)
        let answers = try addresses.map {
            try sh("'\(Self.binaries)/sterna' blockservices --raw --registry \($0) | cut -f1 | sort")
        }
        #expect(Set(answers).count == 1 && answers[0].count > 16, "\(answers)")
    }

    /// Waits until every shard is led and has all its replicas.
    func awaitReplicas(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let command = "'\(Self.binaries)/sterna' shards --registry $(cat '\(directory)/run/registry.address')"
        try Self.awaitReplicas(sourceLocation: sourceLocation) { shell(command, seconds: 10) }
    }

    /// Asks until `sterna shards` is content.
    static func awaitReplicas(
        sourceLocation: SourceLocation = #_sourceLocation, _ ask: () -> ShellResult
    ) throws {
        var last = ShellResult(status: -1, output: "")
        let deadline = Date().addingTimeInterval(60)
        while last.status != 0, Date() < deadline {
            last = ask()
            if last.status != 0 { usleep(200_000) }
        }
        try #require(last.status == 0, "not all replicas have all: \(last.output)", sourceLocation: sourceLocation)
    }
}
