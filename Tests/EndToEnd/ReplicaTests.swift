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

        @Test("an operator moves leaders and takes out who is lost, and is told of both", .timeLimit(.minutes(4)))
        func operatorsSteer() throws {
            let cluster = try TestCluster("--replicas 3")
            try cluster.awaitReplicas()
            let writes = try Writes(on: cluster)
            #expect(try cluster.sterna("leader move all --to 2").contains("registry: slot 2 leads"))
            #expect(try cluster.sterna("shards").contains("slot 2  leads 258, follows 0"))
            // It has it back when it has been away.
            try cluster.killAndAwaitRestart("shard-2")
            try waitUntil(seconds: 60, "slot 2 leads again") {
                (try? cluster.sterna("shards"))?.contains("slot 2  leads 258, follows 0") ?? false
            }
            #expect(try cluster.sterna("leader move 7 cdc --to 1").contains("shard 7, coordinator: slot 1 leads"))
            #expect(try cluster.sterna("leader move all --to any").contains("nobody in particular should lead"))
            try writes.goOn(for: 5)
            #expect(try cluster.sterna("replica remove shards 1", status: 1).contains("is there; stop its process"))
            // It cannot start any more.
            try sh(
                "mv '\(cluster.directory)/shard-1' '\(cluster.directory)/lost' && touch '\(cluster.directory)/shard-1'")
            kill(try #require(cluster.pid(of: "shard-1")), SIGKILL)
            try waitUntil(seconds: 60, "there is an alarm") {
                cluster.registryLogs.contains("alarm: shards 0-255: one")
            }
            #expect(
                try cluster.sterna("replica remove shards 1").contains("shards 0-255: there is no replica in slot 1"))
            try writes.goOn(for: 5)
            try sh("rm '\(cluster.directory)/shard-1'")
            try cluster.awaitReplicas()
            try waitUntil(seconds: 60, "the alarm is over") {
                cluster.registryLogs.contains("alarm is over: shards 0-255")
            }
            try writes.finish()
            try writes.check()
        }

        @Test("two of three disks are lost for good, and the third goes on", .timeLimit(.minutes(5)))
        func quorumIsLost() throws {
            let cluster = try TestCluster("--replicas 3")
            let directory = cluster.directory
            try cluster.awaitReplicas()
            let writes = try Writes(on: cluster)
            try writes.goOn(for: 20)
            try writes.finish()
            cluster.stop()
            try sh("cp -r '\(directory)/shard-1' '\(directory)/former'")
            for (role, service) in [("shards", "shard"), ("cdc", "cdc"), ("registry", "registry")] {
                try sh("rm -r '\(directory)/\(service)' '\(directory)/\(service)-1'")
                let recover = "'\(TestCluster.binaries)/sterna' recover \(role) '\(directory)/\(service)-2'"
                let look = shell(recover, seconds: 60)
                #expect(look.status == 1 && look.output.contains("Nothing was changed"), "\(look.output)")
                let done = shell("\(recover) --accept-loss", seconds: 60)
                #expect(done.status == 0 && done.output.contains("replica in slot 2"), "\(done.output)")
            }
            try cluster.start()
            try writes.check()
            // The others come back with empty disks.
            try cluster.awaitReplicas()
            try sh("mkdir '\(cluster.mount)/more'")
            let more = try Writes(on: cluster.mount + "/more", record: directory + "/more")
            try more.goOn(for: 10)
            try cluster.killAndAwaitRestart("shard-2")
            // One of the lost disks turns up, with another history.
            try cluster.awaitReplicas()
            try sh("mv '\(directory)/shard-1' '\(directory)/kept' && mv '\(directory)/former' '\(directory)/shard-1'")
            kill(try #require(cluster.pid(of: "shard-1")), SIGKILL)
            try waitUntil(seconds: 60, "it is refused") {
                shell("cat '\(directory)'/log/shard*.log", seconds: 10).output.contains("from before the recovery")
            }
            try more.finish()
            try more.check()
            cluster.stop()
            try sh("rm -r '\(directory)/shard-1' && mv '\(directory)/kept' '\(directory)/shard-1'")
            try cluster.start()
            try cluster.awaitReplicas()
            try more.check()
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
        }
    }
}

extension TestCluster {
    /// Runs a command on the cluster, with its key, and returns what it has said.
    func sterna(
        _ command: String, status: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let registries = "$(cat '\(directory)'/run/registry*.address | paste -sd,)"
        let key = command == "shards" ? "" : "--key-file '\(directory)/key'"
        let answer = shell(
            "'\(Self.binaries)/sterna' \(command) --registry \(registries) \(key)", seconds: 60)
        try #require(answer.status == status, "\(command): \(answer.output)", sourceLocation: sourceLocation)
        return answer.output
    }

    /// What all replicas of the registry have said.
    var registryLogs: String { shell("cat '\(directory)'/log/registry*.log", seconds: 10).output }

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
        let command = "'\(Self.binaries)/sterna' shards --registry $(cat '\(directory)'/run/registry*.address | paste -sd,)"
        try Self.awaitReplicas(sourceLocation: sourceLocation) { shell(command, seconds: 10) }
    }

    /// Asks until each of three processes of a kind has a replica of every group, and nothing is missing.
    static func awaitReplicas(
        sourceLocation: SourceLocation = #_sourceLocation, _ ask: () -> ShellResult
    ) throws {
        var last = ShellResult(status: -1, output: "")
        let deadline = Date().addingTimeInterval(60)
        while !isComplete(last), Date() < deadline {
            last = ask()
            if !isComplete(last) { usleep(200_000) }
        }
        try #require(isComplete(last), "not all replicas have all: \(last.output)", sourceLocation: sourceLocation)
    }

    /// Groups in which nobody has been taken in yet lack nothing, so `sterna shards` is content with them.
    private static func isComplete(_ answer: ShellResult) -> Bool {
        let slots = answer.output.split(separator: "\n").compactMap { line in
            line.wholeMatch(of: /slot \d  leads (\d+), follows (\d+)/).flatMap { found in
                Int(found.1).flatMap { leads in Int(found.2).map { leads + $0 } }
            }
        }
        return answer.status == 0 && slots == [258, 258, 258]
    }
}
